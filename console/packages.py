"""Packages of the model registry: the one that waits for a decision, the one that shall be served."""

import re
from typing import Any

import boto3
import click
from botocore.exceptions import ClientError

from console.deployment import Deployment

_REFUSED = re.compile(r"[^\w .:/=+@-]", re.ASCII)  # as stacks/states/tags.py has it


def waiting(deployment: Deployment, execution: str) -> dict[str, Any] | None:
    """DescribeModelPackage's answer to the package with which an execution, by its name, waits; None if it does not."""
    sagemaker = boto3.client("sagemaker")
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=deployment.group,
        ModelApprovalStatus="PendingManualApproval",
        SortBy="CreationTime",
        SortOrder="Descending",
    )
    for page in pages:
        for package in page["ModelPackageSummaryList"]:
            found = sagemaker.describe_model_package(ModelPackageName=package["ModelPackageArn"])
            if found.get("CustomerMetadataProperties", {}).get("execution") == written(execution):
                return dict(found)
    return None


def written(execution: str) -> str:
    """An execution's name as the registry has it, which refuses some of the characters that names may have."""
    return _REFUSED.sub("_", execution)


def check_approved(deployment: Deployment, package: str) -> None:
    """Raises ClickException where a package, by its ARN, is none of the deployment's, or may not be served."""
    approved = (
        f"these may be served: aws sagemaker list-model-packages --model-package-group-name {deployment.group} "
        "--model-approval-status Approved"
    )
    try:
        found = boto3.client("sagemaker").describe_model_package(ModelPackageName=package)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("ValidationException", "ResourceNotFound"):
            raise
        raise click.ClickException(f"There is no model package {package}; {approved}") from None
    if (group := found.get("ModelPackageGroupName")) != deployment.group:
        raise click.ClickException(f"{package} is of {group}, not of {deployment.group}; {approved}")
    if (status := found["ModelApprovalStatus"]) != "Approved":
        raise click.ClickException(f"{package} is {status}, and only an approved one is served. Nothing was started.")
