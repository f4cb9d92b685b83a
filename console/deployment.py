"""The deployment that a command is about, found by its name in the outputs of its stacks."""

from collections.abc import Mapping
from dataclasses import dataclass

import boto3
import click
from botocore.exceptions import ClientError

from console.views.next_command import NAME

by_name = click.option("--name", default=NAME, show_default=True, help="The deployment's setting `name`.")


@dataclass(frozen=True)
class Deployment:
    """What commands act on; an output that its version has not is a ClickException when it is asked for."""

    stack: str
    outputs: Mapping[str, str]

    @property
    def machine(self) -> str:
        """ARN of the state machine."""
        return self._output("StateMachineArn")

    @property
    def machines(self) -> tuple[str, ...]:
        """ARNs of the state machine and of the audit's, which an earlier version has not."""
        return (self.machine, *filter(None, [self.outputs.get("AuditStateMachineArn")]))

    @property
    def group(self) -> str:
        """Name of the model package group."""
        return self._output("ModelPackageGroup")

    @property
    def estimate_function(self) -> str:
        """Name of the function that says what an execution costs."""
        return self._output("EstimateFunction")

    @property
    def audit_machine(self) -> str:
        """ARN of the audit's state machine."""
        return self._output("AuditStateMachineArn")

    @property
    def audit_price_function(self) -> str:
        """Name of the function that says what an audit costs."""
        return self._output("AuditPriceFunction")

    def _output(self, key: str) -> str:
        try:
            return self.outputs[key]
        except KeyError:
            raise click.ClickException(
                f"Stack {self.stack} has no output '{key}': an earlier version deployed it, or it is not deployed in "
                "full. Deploy it again."
            ) from None


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
    return Deployment(stack, {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", ())})
