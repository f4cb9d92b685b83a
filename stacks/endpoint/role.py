"""What the endpoint's containers and its updates may do."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.arns import alarm_arn
from stacks.endpoint.alarms import alarm_names
from stacks.roles import job_role, on_objects


def endpoint_role(scope: Construct, endpoint_name: str, data_bucket: s3.IBucket) -> iam.Role:
    """Role that reads models and sees the alarms that roll an update back."""
    return job_role(
        scope,
        "EndpointRole",
        log_groups="Endpoints/*",
        statements=[
            on_objects(data_bucket, ["GetObject"], "models", sid="ReadModel"),
            iam.PolicyStatement(sid="FindModel", actions=["s3:ListBucket"], resources=[data_bucket.bucket_arn]),
            iam.PolicyStatement(
                sid="WatchRollbackAlarms",
                actions=["cloudwatch:DescribeAlarms"],
                resources=[alarm_arn(scope, name) for name in alarm_names(endpoint_name)],
            ),
        ],
    )
