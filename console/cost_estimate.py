"""What an execution would cost, asked of the deployed function, which validates the input as Plan does."""

import json
from collections.abc import Mapping
from typing import Any

import boto3
import click
from botocore.config import Config
from rich.console import Console

from console.deployment import Deployment

_LONGEST_FUNCTION = Config(read_timeout=900, retries={"total_max_attempts": 1})


def ask(deployment: Deployment, execution_input: Mapping[str, Any]) -> dict[str, Any]:
    """The estimate; raises ClickException with the sentences of an input that is refused."""
    client = boto3.client("lambda", config=_LONGEST_FUNCTION)
    with Console(stderr=True).status("Estimating what it costs"):
        answered = client.invoke(FunctionName=deployment.estimate_function, Payload=json.dumps(execution_input))
        payload: dict[str, Any] = json.loads(answered["Payload"].read())
    if "FunctionError" not in answered:
        return payload
    error, message = payload.get("errorType", answered["FunctionError"]), payload.get("errorMessage", "no message")
    if error == "InvalidInput":
        raise click.ClickException("The input is refused:\n" + message)
    raise click.ClickException(f"The estimate failed: {error}: {message}")
