"""What is encrypted with an account's own KMS key, and what roles have to be allowed on it."""

import json
import re
from typing import Any

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.settings import DeploymentSettings
from stacks.states.jsonata import expression, object_of

_LOCAL_STORAGE = r"^ml[.]([a-z]+[0-9]+[a-z]*d[a-z]*|gr?[5-9][a-z]*|p[5-9][a-z0-9-]*|trn[0-9a-z]*|i[0-9][a-z]*)[.]"
"""Instance types whose volumes are local disks: encrypted in hardware, and SageMaker refuses a key for them."""


def has_local_storage(instance_type: str) -> bool:
    """Whether SageMaker refuses a key for an instance type's volume."""
    return bool(re.match(_LOCAL_STORAGE, instance_type))


def key_of(scope: Construct, settings: DeploymentSettings) -> kms.IKey | None:
    """The key as a construct of the scope."""
    return kms.Key.from_key_arn(scope, "Key", settings.kms_key) if settings.kms_key else None


def bucket_encryption(scope: Construct, settings: DeploymentSettings) -> dict[str, Any]:
    """Arguments of the data bucket. With a key of the bucket's own S3 asks KMS once, not for each object."""
    if not settings.kms_key:
        return {"encryption": s3.BucketEncryption.S3_MANAGED}
    return {
        "encryption": s3.BucketEncryption.KMS,
        "encryption_key": key_of(scope, settings),
        "bucket_key_enabled": True,
    }


def encrypt_topic(topic: sns.Topic, settings: DeploymentSettings) -> None:
    """By the template's own field: with CDK's every publisher would be granted a pattern of actions."""
    resource = topic.node.default_child
    assert isinstance(resource, sns.CfnTopic)
    if settings.kms_key:
        resource.kms_master_key_id = settings.kms_key


def output_key(settings: DeploymentSettings) -> dict[str, Any]:
    """The field of a job's outputs."""
    return {"KmsKeyId": settings.kms_key} if settings.kms_key else {}


def with_volume_key(settings: DeploymentSettings, resources: dict[str, Any]) -> Any:
    """A job's instances, as the States Language has them, and the key of their volume.

    An instance type that an execution chooses is known only while it runs, and so is whether SageMaker takes a key.
    """
    if not settings.kms_key:
        return resources
    fields = {name: _jsonata(value) for name, value in resources.items()}
    local = f"$contains({fields['InstanceType']}, /{_LOCAL_STORAGE}/)"
    key = f"{local} ? {{}} : {{'VolumeKmsKeyId': '{settings.kms_key}'}}"
    return expression(f"$merge([{object_of(fields)}, {key}])")


def _jsonata(value: Any) -> str:
    is_expression = isinstance(value, str) and value.startswith("{%")
    return f"({value[2:-2].strip()})" if is_expression else json.dumps(value)


def use_key(settings: DeploymentSettings) -> list[iam.PolicyStatement]:
    """Objects are read and written, and encrypted topics published to, with these."""
    return _on_key(settings, "UseKey", "Decrypt", "GenerateDataKey")


def encrypt_volumes(settings: DeploymentSettings) -> list[iam.PolicyStatement]:
    """Of whoever starts something with an encrypted volume: SageMaker and EBS go on with a grant."""
    if not settings.kms_key:
        return []
    return [
        *_on_key(settings, "LookAtKey", "DescribeKey"),
        iam.PolicyStatement(
            sid="GrantVolumes",
            actions=["kms:CreateGrant"],
            resources=[settings.kms_key],
            conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
    ]


def job_key(settings: DeploymentSettings) -> list[iam.PolicyStatement]:
    """Of jobs and the endpoint: their objects, and their volumes."""
    return [
        *_on_key(settings, "UseKey", "Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey"),
        *encrypt_volumes(settings)[1:],
    ]


def _on_key(settings: DeploymentSettings, sid: str, *actions: str) -> list[iam.PolicyStatement]:
    if not settings.kms_key:
        return []
    return [iam.PolicyStatement(sid=sid, actions=[f"kms:{action}" for action in actions], resources=[settings.kms_key])]
