"""S3, ECR, SSM and CloudWatch Logs."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from rehearsal.aws.cloudformation.resource_type import (
    Context,
    Properties,
    PutType,
    ResourceFailed,
    ResourceType,
    chosen,
)
from rehearsal.aws.cloudformation.templates import Deployed


class Bucket(PutType):
    """``AWS::S3::Bucket``"""

    name = "AWS::S3::Bucket"
    replaced_by = frozenset({"BucketName"})

    def put(self, context: Context, physical_id: str | None, properties: Properties) -> Deployed:
        """Create the bucket where needed and set what S3 keeps apart from it."""
        s3 = context.client("s3")
        bucket = physical_id or properties.get("BucketName") or context.unique_name(63).lower()
        if physical_id is None:
            s3.create_bucket(Bucket=bucket)
        if "VersioningConfiguration" in properties:
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=properties["VersioningConfiguration"])
        if "BucketEncryption" in properties:
            rules = [
                {"ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"]}
                for rule in properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
            ]
            s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})
        if "PublicAccessBlockConfiguration" in properties:
            s3.put_public_access_block(
                Bucket=bucket, PublicAccessBlockConfiguration=properties["PublicAccessBlockConfiguration"]
            )
        if "LifecycleConfiguration" in properties:
            rules = [_lifecycle_rule(rule) for rule in properties["LifecycleConfiguration"]["Rules"]]
            s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
        if properties.get("Tags"):
            s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": properties["Tags"]})
        domain = f"{bucket}.s3.amazonaws.com"
        regional = f"{bucket}.s3.{context.region}.amazonaws.com"
        return Deployed(bucket, {"Arn": f"arn:aws:s3:::{bucket}", "DomainName": domain, "RegionalDomainName": regional})

    def delete(self, context: Context, physical_id: str) -> None:
        """Remove an empty bucket; S3 refuses a full one, and so the stack's deletion fails as in AWS."""
        context.client("s3").delete_bucket(Bucket=physical_id)


class BucketPolicy(PutType):
    """``AWS::S3::BucketPolicy``: kept, and not enforced, as moto enforces no policy."""

    name = "AWS::S3::BucketPolicy"
    replaced_by = frozenset({"Bucket"})

    def put(self, context: Context, physical_id: str | None, properties: Properties) -> Deployed:  # noqa: ARG002
        """Set the bucket's policy."""
        document = json.dumps(properties["PolicyDocument"])
        context.client("s3").put_bucket_policy(Bucket=properties["Bucket"], Policy=document)
        return Deployed(properties["Bucket"], {})

    def delete(self, context: Context, physical_id: str) -> None:
        """Remove the policy."""
        s3 = context.client("s3")
        with contextlib.suppress(s3.exceptions.NoSuchBucket):
            s3.delete_bucket_policy(Bucket=physical_id)


class Repository(PutType):
    """``AWS::ECR::Repository``: its name only; images are not pushed in a rehearsal."""

    name = "AWS::ECR::Repository"
    replaced_by = frozenset({"RepositoryName"})

    def put(self, context: Context, physical_id: str | None, properties: Properties) -> Deployed:
        """Create the repository."""
        repository = physical_id or properties.get("RepositoryName") or context.unique_name(256).lower()
        if physical_id is None:
            context.client("ecr").create_repository(repositoryName=repository)
        uri = f"{context.arn('ecr', '').split(':')[4]}.dkr.ecr.{context.region}.amazonaws.com/{repository}"
        return Deployed(repository, {"Arn": context.arn("ecr", f"repository/{repository}"), "RepositoryUri": uri})

    def delete(self, context: Context, physical_id: str) -> None:
        """Remove the repository."""
        ecr = context.client("ecr")
        with contextlib.suppress(ecr.exceptions.RepositoryNotFoundException):
            ecr.delete_repository(repositoryName=physical_id, force=True)


class Parameter(PutType):
    """``AWS::SSM::Parameter``"""

    name = "AWS::SSM::Parameter"
    replaced_by = frozenset({"Name"})

    def put(self, context: Context, physical_id: str | None, properties: Properties) -> Deployed:
        """Set the parameter."""
        parameter = physical_id or properties.get("Name") or context.unique_name(1000)
        context.client("ssm").put_parameter(
            Name=parameter,
            Value=str(properties["Value"]),
            Overwrite=True,
            **chosen(properties, "Type", "Description"),
        )
        return Deployed(parameter, {"Type": properties["Type"], "Value": str(properties["Value"])})

    def delete(self, context: Context, physical_id: str) -> None:
        """Remove the parameter."""
        ssm = context.client("ssm")
        with contextlib.suppress(ssm.exceptions.ParameterNotFound):
            ssm.delete_parameter(Name=physical_id)


class LogGroup(PutType):
    """``AWS::Logs::LogGroup``"""

    name = "AWS::Logs::LogGroup"
    replaced_by = frozenset({"LogGroupName"})

    def put(self, context: Context, physical_id: str | None, properties: Properties) -> Deployed:
        """Create the group where needed and set its retention."""
        logs = context.client("logs")
        group = physical_id or properties.get("LogGroupName") or context.unique_name(512)
        if physical_id is None:
            try:
                logs.create_log_group(logGroupName=group)
            except logs.exceptions.ResourceAlreadyExistsException as error:
                raise ResourceFailed(f"{group} already exists") from error
        if "RetentionInDays" in properties:
            logs.put_retention_policy(logGroupName=group, retentionInDays=int(properties["RetentionInDays"]))
        return Deployed(group, {"Arn": context.arn("logs", f"log-group:{group}:*")})

    def delete(self, context: Context, physical_id: str) -> None:
        """Remove the group."""
        logs = context.client("logs")
        with contextlib.suppress(logs.exceptions.ResourceNotFoundException):
            logs.delete_log_group(logGroupName=physical_id)


def _lifecycle_rule(rule: Properties) -> dict[str, Any]:
    """A rule of CloudFormation's shape in S3's."""
    found: dict[str, Any] = {
        "Status": rule["Status"],
        "Filter": {"Prefix": rule.get("Prefix", "")},
        **chosen(rule, "AbortIncompleteMultipartUpload", "NoncurrentVersionExpiration"),
    }
    if "Id" in rule:
        found["ID"] = rule["Id"]
    if "ExpirationInDays" in rule:
        found["Expiration"] = {"Days": int(rule["ExpirationInDays"])}
    if "Transitions" in rule:
        found["Transitions"] = [
            {"Days": int(step["TransitionInDays"]), "StorageClass": step["StorageClass"]}
            for step in rule["Transitions"]
        ]
    return found


class Table(ResourceType):
    """``AWS::DynamoDB::Table``"""

    name = "AWS::DynamoDB::Table"
    replaced_by = frozenset({"TableName", "KeySchema", "AttributeDefinitions"})

    def create(self, context: Context, properties: Properties) -> Deployed:
        """Create the table."""
        table = properties.get("TableName") or context.unique_name(255)
        options = chosen(properties, "KeySchema", "AttributeDefinitions", "BillingMode", "ProvisionedThroughput")
        created = context.client("dynamodb").create_table(TableName=table, Tags=properties.get("Tags", []), **options)
        return Deployed(table, {"Arn": created["TableDescription"]["TableArn"]})

    def delete(self, context: Context, physical_id: str) -> None:
        """Remove the table."""
        dynamodb = context.client("dynamodb")
        with contextlib.suppress(dynamodb.exceptions.ResourceNotFoundException):
            dynamodb.delete_table(TableName=physical_id)
