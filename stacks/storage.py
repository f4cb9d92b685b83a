"""The data bucket: datasets, features, models and more, under prefixes with lifecycles of their own."""

from typing import Any

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.checks import acknowledge
from stacks.company.encryption import bucket_encryption
from stacks.settings import DeploymentSettings

CAPTURED = "captured"
"""The folder of requests that the endpoint has kept."""


class StorageStack(Stack):
    """One versioned, encrypted, TLS-only bucket."""

    def __init__(self, scope: Construct, id: str, *, settings: DeploymentSettings, **kwargs: Any) -> None:
        super().__init__(scope, id, **kwargs)
        self.data_bucket = s3.Bucket(
            self,
            "Data",
            **bucket_encryption(self, settings),
            **_access_logs(self, settings),
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            versioned=True,
            removal_policy=RemovalPolicy.RETAIN if settings.retain_data else RemovalPolicy.DESTROY,
            auto_delete_objects=not settings.retain_data,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="forget-what-was-replaced",
                    noncurrent_version_expiration=Duration.days(30),
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                ),
                # A checkpoint only serves a job that is still running, and each epoch writes a new one.
                s3.LifecycleRule(id="checkpoints", prefix="checkpoints/", expiration=Duration.days(7)),
                # A trial's model is not used after its metrics are known, and tensors are for looking into a fresh job.
                s3.LifecycleRule(id="trials", prefix="trials/", expiration=Duration.days(7)),
                # A token that a person has not answered within the longest wait answers nothing any more.
                s3.LifecycleRule(id="approvals", prefix="approvals/", expiration=Duration.days(31)),
                s3.LifecycleRule(id="debug", prefix="debug/", expiration=Duration.days(30)),
                # Photos of a site's own, kept to look at and to train with; not for ever.
                s3.LifecycleRule(id=CAPTURED, prefix=f"{CAPTURED}/", expiration=Duration.days(90)),
                *(
                    s3.LifecycleRule(
                        id=f"old-{folder}",
                        prefix=f"{folder}/",
                        transitions=[
                            s3.Transition(
                                storage_class=s3.StorageClass.INTELLIGENT_TIERING,
                                transition_after=Duration.days(30),
                            )
                        ],
                    )
                    for folder in ("datasets", "features")
                ),
            ],
        )
        if not settings.access_log_bucket:
            acknowledge(
                self.data_bucket,
                "AwsSolutions-S1",
                "The bucket holds copies of public photos and models made from them; where an account's rules ask for "
                "a log of who reads it, the setting accessLogBucket names where it goes.",
            )
        CfnOutput(self, "DataBucketName", value=self.data_bucket.bucket_name)


def _access_logs(scope: Construct, settings: DeploymentSettings) -> dict[str, Any]:
    """Arguments of the data bucket: where S3 logs each request to it."""
    if not settings.access_log_bucket:
        return {}
    return {
        "server_access_logs_bucket": s3.Bucket.from_bucket_name(scope, "AccessLogs", settings.access_log_bucket),
        "server_access_logs_prefix": f"{settings.name}/",
    }
