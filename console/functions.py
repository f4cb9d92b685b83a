"""Deployed functions that commands call, and wait for."""

import json
import time
from collections.abc import Mapping
from typing import Any

import boto3
import click
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError

_LONGEST_FUNCTION = Config(read_timeout=900, retries={"total_max_attempts": 1}, tcp_keepalive=True)
"""A function is called once, and a connection without a word in it outlives what lies between here and AWS."""

NOT_RUN = {
    "CodeArtifactUserPendingException",
    "ENINotReadyException",
    "ResourceConflictException",
    "ResourceNotReadyException",
    "TooManyRequestsException",
}
"""Lambda's codes where it did not run: after weeks of rest AWS gets it ready again, or others have its place."""

_SECONDS_UNTIL_READY = 120.0
_SECONDS_BETWEEN_CALLS = 5.0


class FunctionFailed(Exception):
    """The function ended with an error."""

    def __init__(self, error: str, message: str) -> None:
        super().__init__(f"{error}: {message}")
        self.error, self.message = error, message


def call(function: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of the function with this name.

    Raises
    ------
    FunctionFailed
        It ended with an error.
    ClickException
        It did not answer.
    """
    client, deadline = boto3.client("lambda", config=_LONGEST_FUNCTION), time.monotonic() + _SECONDS_UNTIL_READY
    while True:
        try:
            answered = client.invoke(FunctionName=function, Payload=json.dumps(asked).encode())
            payload: dict[str, Any] = json.loads(answered["Payload"].read())
            break
        except ReadTimeoutError:
            raise click.ClickException(
                f"{function} said nothing for 15 minutes; it may have ended all the same."
            ) from None
        except ClientError as error:
            if error.response["Error"]["Code"] not in NOT_RUN or time.monotonic() > deadline:
                raise
        time.sleep(_SECONDS_BETWEEN_CALLS)
    if "FunctionError" in answered:
        raise FunctionFailed(
            payload.get("errorType", answered["FunctionError"]), payload.get("errorMessage", "no message")
        )
    return payload
