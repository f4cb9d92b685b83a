"""What every SageMaker role needs, whatever it runs: pull the image, write logs and metrics."""

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks import images


def job_role(scope: Construct, id: str, *, log_groups: str, statements: list[iam.PolicyStatement]) -> iam.Role:
    """Role for SageMaker with exactly these statements.

    They are inline in the role and not attached afterwards: a policy that is attached later races the first job.

    Parameters
    ----------
    log_groups
        Name pattern of the log groups below `/aws/sagemaker/`, such as `TrainingJobs`.
    """
    stack = Stack.of(scope)
    logs = f"arn:{stack.partition}:logs:{stack.region}:{stack.account}:log-group:/aws/sagemaker/{log_groups}"
    return iam.Role(
        scope,
        id,
        assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"),
        inline_policies={
            "work": iam.PolicyDocument(
                statements=[
                    iam.PolicyStatement(
                        sid="PullImage",
                        actions=[
                            "ecr:BatchCheckLayerAvailability",
                            "ecr:BatchGetImage",
                            "ecr:GetDownloadUrlForLayer",
                        ],
                        resources=images.repository_arns(stack),
                    ),
                    # This action knows no resource.
                    iam.PolicyStatement(sid="LogInToRegistry", actions=["ecr:GetAuthorizationToken"], resources=["*"]),
                    iam.PolicyStatement(
                        sid="WriteLogs",
                        actions=[
                            "logs:CreateLogGroup",
                            "logs:CreateLogStream",
                            "logs:PutLogEvents",
                            "logs:DescribeLogStreams",
                        ],
                        resources=[logs, f"{logs}:*"],
                    ),
                    iam.PolicyStatement(
                        sid="WriteMetrics",
                        actions=["cloudwatch:PutMetricData"],
                        resources=["*"],
                        conditions={"StringLike": {"cloudwatch:namespace": ["/aws/sagemaker/*", "AWS/SageMaker"]}},
                    ),
                    *statements,
                ]
            )
        },
    )
