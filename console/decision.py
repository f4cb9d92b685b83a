"""A person's decision on a model: the status of its package in the registry, as SageMaker Studio would set it."""

from typing import Literal

import boto3
import click

from console.deployment import find
from console.json_output import answer
from console.packages import waiting

Status = Literal["Approved", "Rejected"]


def decide(name: str, execution: str, status: Status, reason: str | None, as_json: bool) -> None:
    """Set the status of the package that an execution (its name or ARN) registered and waits with."""
    deployment, execution = find(name), execution.rpartition(":")[2]
    if (found := waiting(deployment, execution)) is None:
        raise click.ClickException(f"No package of execution {execution} waits for a decision in {deployment.group}.")
    package = found["ModelPackageArn"]
    boto3.client("sagemaker").update_model_package(
        ModelPackageArn=package,
        ModelApprovalStatus=status,
        ApprovalDescription=" ".join((reason or "").split()) or "no reason was given",
    )
    if as_json:
        answer({"package": package, "status": status})
    else:
        click.echo(f"{package} is {status}.")
