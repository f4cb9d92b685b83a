"""What the endpoint's containers and its updates may do."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.arns import alarm_arn
from stacks.checks import Wildcard
from stacks.endpoint.alarms import NAMED, alarm_names
from stacks.roles import job_role, on_objects
from stacks.settings import DeploymentSettings
from stacks.storage import CAPTURED


def endpoint_role(scope: Construct, settings: DeploymentSettings, data_bucket: s3.IBucket) -> iam.Role:
    """Role that reads models, sees the alarms that roll an update back, and keeps requests if the settings say so."""
    captures = [on_objects(data_bucket, ["PutObject"], CAPTURED, sid="WriteCaptures")]
    return job_role(
        scope,
        "EndpointRole",
        settings,
        log_groups="Endpoints/*",
        statements=[
            on_objects(data_bucket, ["GetObject"], "models", sid="ReadModel"),
            iam.PolicyStatement(sid="FindModel", actions=["s3:ListBucket"], resources=[data_bucket.bucket_arn]),
            Wildcard(
                NAMED,
                sid="WatchRollbackAlarms",
                actions=["cloudwatch:DescribeAlarms"],
                resources=[alarm_arn(scope, name) for name in alarm_names(settings.name, "*")],
            ),
            *(captures if settings.capture_percent else []),
        ],
    )
