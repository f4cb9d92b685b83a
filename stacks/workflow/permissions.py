"""What the state machine may do besides what its tasks ask for: CDK knows of neither `.sync` jobs nor `updateStack`."""

from collections.abc import Iterable, Sequence

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks import images
from stacks.arns import sagemaker_arn
from stacks.checks import JOB_NAMES, Wildcard
from stacks.roles import pull_images

_KINDS = {
    "TrainingJob": ("training-job", "Training"),
    "ProcessingJob": ("processing-job", "Processing"),
    "HyperParameterTuningJob": ("hyper-parameter-tuning-job", "Tuning"),
}
"""A kind of job: its resources' type, and what the rule is named after by which Step Functions hears of its end."""


def run_jobs(
    scope: Construct, job_names: str, roles: Iterable[iam.IRole], kinds: Sequence[str] = tuple(_KINDS)
) -> list[iam.PolicyStatement]:
    """Start a job under one of the roles, hear of its end, stop it."""
    types, rules = zip(*(_KINDS[kind] for kind in kinds), strict=True)
    return [
        Wildcard(
            JOB_NAMES,
            sid="RunJobs",
            actions=[f"sagemaker:{verb}{kind}" for kind in kinds for verb in ("Create", "Describe", "Stop")]
            + ["sagemaker:AddTags", "sagemaker:ListTags"],
            resources=[sagemaker_arn(scope, type_, job_names) for type_ in types],
        ),
        _pass_roles("PassJobRoles", roles, "sagemaker"),
        iam.PolicyStatement(
            sid="HearOfJobs",
            actions=["events:PutTargets", "events:PutRule", "events:DescribeRule"],
            resources=[
                Stack.of(scope).format_arn(
                    service="events",
                    resource="rule",
                    resource_name=f"StepFunctionsGetEventsForSageMaker{rule}JobsRule",
                )
                for rule in rules
            ],
        ),
    ]


def release_model(
    scope: Construct,
    data_bucket: s3.IBucket,
    stack_arn: str,
    update_role: iam.IRole,
    approval: lambda_.IFunction,
) -> list[iam.PolicyStatement]:
    """Register a model, have it approved, and have CloudFormation put it behind the endpoint in the role for that."""
    return [
        iam.PolicyStatement(sid="AskForApproval", actions=["lambda:InvokeFunction"], resources=[approval.function_arn]),
        # Without a role CloudFormation would use that of the last `cdk deploy`, an administrator's.
        iam.PolicyStatement(
            sid="OnlyInUpdateRole",
            effect=iam.Effect.DENY,
            actions=["cloudformation:UpdateStack"],
            resources=[stack_arn],
            conditions={"StringNotEquals": {"cloudformation:RoleArn": update_role.role_arn}},
        ),
        # CreateModelPackage looks up the image's digest and the artifact with the caller's permissions.
        pull_images("RegisterImage", images.repository_arns(scope)),
        iam.PolicyStatement(sid="FindModel", actions=["s3:ListBucket"], resources=[data_bucket.bucket_arn]),
        _pass_roles("PassUpdateRole", [update_role], "cloudformation"),
    ]


def _pass_roles(sid: str, roles: Iterable[iam.IRole], service: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid=sid,
        actions=["iam:PassRole"],
        resources=[role.role_arn for role in roles],
        conditions={"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}},
    )
