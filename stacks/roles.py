"""Roles that have exactly the statements they are made with."""

from collections.abc import Iterable

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks import images
from stacks.arns import log_group_arns
from stacks.checks import LOG_STREAMS, OBJECT_KEYS, Wildcard, accept
from stacks.company.encryption import job_key
from stacks.company.network import job_interfaces
from stacks.settings import DeploymentSettings


def service_role(
    scope: Construct,
    id: str,
    *,
    service: str,
    statements: Iterable[iam.PolicyStatement],
    source: str | None = None,
    names_source: bool = True,
    policy: str = "work",
) -> iam.Role:
    """Role for a service such as `lambda`.

    The statements are inline in the role and not attached afterwards: a policy that is attached later races the first
    use of the role.

    Parameters
    ----------
    source
        ARN pattern of what the service has to act for, in this account: so that it takes the role for nobody else.
    names_source
        Whether the service is known to say whom it acts for. Where it is not, it may say nothing, but nobody else.
    """
    statements = list(statements)
    mode = "" if names_source else "IfExists"
    account = {f"StringEquals{mode}": {"aws:SourceAccount": Stack.of(scope).account}}
    conditions = account | {f"ArnLike{mode}": {"aws:SourceArn": source}} if source else None
    role = iam.Role(
        scope,
        id,
        assumed_by=iam.ServicePrincipal(f"{service}.amazonaws.com", conditions=conditions),
        inline_policies={policy: iam.PolicyDocument(statements=statements)},
    )
    for statement in statements:
        if isinstance(statement, Wildcard):
            accept(role, statement.reason, statement)
    return role


def job_role(
    scope: Construct,
    id: str,
    settings: DeploymentSettings,
    *,
    log_groups: str,
    statements: Iterable[iam.PolicyStatement],
) -> iam.Role:
    """Role for SageMaker, with what it needs whatever it runs: pull the image, write logs and metrics.

    Parameters
    ----------
    log_groups
        Name pattern of the log groups below `/aws/sagemaker/`, such as `TrainingJobs*`.
    """
    return service_role(
        scope,
        id,
        service="sagemaker",
        source=Stack.of(scope).format_arn(service="sagemaker", resource="*"),
        statements=[
            pull_images("PullImage", images.repository_arns(scope)),
            Wildcard(
                "ecr:GetAuthorizationToken knows no resource.",
                sid="LogInToRegistry",
                actions=["ecr:GetAuthorizationToken"],
                resources=["*"],
            ),
            write_logs("WriteLogs", scope, log_groups),
            Wildcard(
                "cloudwatch:PutMetricData knows no resource; the condition limits the namespace.",
                sid="WriteMetrics",
                actions=["cloudwatch:PutMetricData"],
                resources=["*"],
                conditions={"StringLike": {"cloudwatch:namespace": ["/aws/sagemaker/*", "AWS/SageMaker"]}},
            ),
            *statements,
            *job_key(settings),
            *job_interfaces(settings),
        ],
    )


def read_sources(scope: Construct, buckets: Iterable[str]) -> list[iam.PolicyStatement]:
    """List and read the buckets that bins come from."""
    arns = [f"arn:{Stack.of(scope).partition}:s3:::{name}" for name in buckets]
    return [
        iam.PolicyStatement(sid="FindBins", actions=["s3:ListBucket"], resources=arns),
        Wildcard(
            "Any bin may be read.",
            sid="ReadBins",
            actions=["s3:GetObject"],
            resources=[f"{arn}/*" for arn in arns],
        ),
    ]


def find_objects(bucket: s3.IBucket, *folders: str, sid: str) -> iam.PolicyStatement:
    """List what lies in folders of a bucket, and nothing else."""
    return iam.PolicyStatement(
        sid=sid,
        actions=["s3:ListBucket"],
        resources=[bucket.bucket_arn],
        conditions={"StringLike": {"s3:prefix": [f"{folder}/*" for folder in folders]}},
    )


def pull_images(sid: str, repositories: list[str]) -> iam.PolicyStatement:
    """What whoever runs an image, or looks up its digest, does with its repository."""
    return iam.PolicyStatement(
        sid=sid,
        actions=["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        resources=repositories,
    )


def write_logs(sid: str, scope: Construct, log_groups: str) -> Wildcard:
    """What a job does with its log groups below `/aws/sagemaker/`."""
    return Wildcard(
        LOG_STREAMS,
        sid=sid,
        actions=["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
        resources=log_group_arns(scope, f"/aws/sagemaker/{log_groups}"),
    )


def on_objects(bucket: s3.IBucket, actions: list[str], *folders: str, sid: str) -> Wildcard:
    """S3 actions on what lies in folders of the data bucket."""
    return Wildcard(
        OBJECT_KEYS,
        sid=sid,
        actions=[f"s3:{action}" for action in actions],
        resources=[bucket.arn_for_objects(f"{folder}/*") for folder in folders],
    )
