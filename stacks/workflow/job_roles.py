"""What each kind of SageMaker job may do: read the training code and its input, write below its own prefixes."""

from typing import NamedTuple

from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from stacks.checks import OBJECT_KEYS, Wildcard
from stacks.roles import find_objects, job_role, on_objects, read_sources
from stacks.settings import DeploymentSettings
from stacks.workflow.debugger import ManagedDebugger


class JobRoles(NamedTuple):
    """A role for each kind of job."""

    training: iam.Role
    features: iam.Role
    evaluation: iam.Role
    audit: iam.Role


def job_roles(
    scope: Construct,
    settings: DeploymentSettings,
    data_bucket: s3.IBucket,
    code: s3_assets.Asset,
    debugger: ManagedDebugger | None,
) -> JobRoles:
    """Roles for training jobs and trials, for feature extraction, for evaluation, and for audits."""
    # A processing job is given the code as an input, which is found by its prefix; a training job fetches the object.
    find_code = iam.PolicyStatement(
        sid="FindCode",
        actions=["s3:ListBucket"],
        resources=[code.bucket.bucket_arn],
        conditions={"StringEquals": {"s3:prefix": code.s3_object_key}},
    )

    def read(*folders: str) -> list[iam.PolicyStatement]:
        objects = [data_bucket.arn_for_objects(f"{folder}/*") for folder in folders]
        objects.append(code.bucket.arn_for_objects(code.s3_object_key))
        return [
            find_objects(data_bucket, *folders, sid="FindObjects"),
            Wildcard(OBJECT_KEYS, sid="ReadObjects", actions=["s3:GetObject"], resources=objects),
        ]

    def write(sid: str, *folders: str) -> Wildcard:
        # Large files go in parts, and what breaks off is cleared away.
        return on_objects(data_bucket, ["PutObject", "AbortMultipartUpload"], *folders, sid=sid)

    training = job_role(
        scope,
        "TrainingRole",
        settings,
        log_groups="TrainingJobs*",
        statements=[
            *read("datasets", "features", "weights", "models", "checkpoints"),
            write("WriteModel", "models", "trials", "checkpoints"),
            *(debugger.role_statements() if debugger else []),
        ],
    )
    features = job_role(
        scope,
        "FeaturesRole",
        settings,
        log_groups="ProcessingJobs*",
        statements=[find_code, *read("datasets", "weights", "models"), write("WriteFeatures", "features")],
    )
    evaluation = job_role(
        scope,
        "EvaluationRole",
        settings,
        log_groups="ProcessingJobs*",
        statements=[find_code, *read("datasets", "models", "reports"), write("WriteReport", "reports")],
    )
    audit = job_role(
        scope,
        "AuditJobRole",
        settings,
        log_groups="ProcessingJobs*",
        statements=[
            find_code,
            *read("audits", "datasets", "models"),
            write("WriteAudit", "audits"),
            *read_sources(scope, settings.source_buckets),
        ],
    )
    return JobRoles(training, features, evaluation, audit)
