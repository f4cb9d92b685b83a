"""The deployment that a command is about, found by its name in the outputs of its stacks."""

from typing import Annotated, Any, NamedTuple

import boto3
import click
from botocore.exceptions import ClientError

NAME = "stocktake"
by_name = click.option("--name", default=NAME, show_default=True, help="The deployment's setting `name`.")


class Deployment(NamedTuple):
    """What commands act on."""

    machine: Annotated[str, "ARN of the state machine"]
    group: Annotated[str, "name of the model package group"]


def find(name: str) -> Deployment:
    """Raises ClickException where there is no such deployment."""
    stack = f"{name.capitalize()}-Workflow"
    try:
        (found,) = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        raise click.ClickException(
            f"There is no stack {stack} in this account and region; `--name` is the setting that it was deployed with."
        ) from None
    outputs: dict[str, Any] = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", ())}
    try:
        return Deployment(outputs["StateMachineArn"], outputs["ModelPackageGroup"])
    except KeyError as missing:
        raise click.ClickException(
            f"Stack {stack} has no output {missing}: an earlier version deployed it, or it is not deployed in full. "
            "Deploy it again."
        ) from None
