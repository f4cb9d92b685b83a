"""A person's decision on a model: the status of its package in the registry, as SageMaker Studio would set it."""

from typing import Literal

import boto3
import click

from console.deployment import Deployment, find
from console.json_output import answer

Status = Literal["Approved", "Rejected"]


def decide(name: str, execution: str, status: Status, reason: str | None, as_json: bool) -> None:
    """Set the status of the package that an execution (its name or ARN) registered and waits with."""
    package = _waiting_package(find(name), execution.rpartition(":")[2])
    boto3.client("sagemaker").update_model_package(
        ModelPackageArn=package,
        ModelApprovalStatus=status,
        ApprovalDescription=reason or "no reason was given",
    )
    if as_json:
        answer({"package": package, "status": status})
    else:
        click.echo(f"{package} is {status}.")


def _waiting_package(deployment: Deployment, execution: str) -> str:
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
            if found.get("CustomerMetadataProperties", {}).get("execution") == execution:
                return package["ModelPackageArn"]
    raise click.ClickException(f"No package of execution {execution} waits for a decision in {deployment.group}.")
