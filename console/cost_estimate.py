"""What an execution would cost, asked of the deployed function, which validates the input as Plan does."""

import json
from collections.abc import Mapping
from typing import Any

import boto3
import click
from botocore.config import Config
from rich.console import Console

_LONGEST_FUNCTION = Config(read_timeout=900, retries={"total_max_attempts": 1})


def ask(function: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The estimate of the function with this name; raises ClickException with what it refuses an input for."""
    client = boto3.client("lambda", config=_LONGEST_FUNCTION)
    with Console(stderr=True).status("Estimating what it costs"):
        answered = client.invoke(FunctionName=function, Payload=json.dumps(asked))
        payload: dict[str, Any] = json.loads(answered["Payload"].read())
    if "FunctionError" not in answered:
        return payload
    error, message = payload.get("errorType", answered["FunctionError"]), payload.get("errorMessage", "no message")
    if error == "InvalidInput":
        raise click.ClickException("The input is refused:\n" + message)
    raise click.ClickException(f"The estimate failed: {error}: {message}")
