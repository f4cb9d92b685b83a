"""Executions of a deployment: found by name or ARN, newest first."""

from collections.abc import Iterator
from typing import Any

import boto3
import click
from botocore.exceptions import ClientError

_UNKNOWN = ("ExecutionDoesNotExist", "InvalidArn", "ValidationException")


def described(machine: str, execution: str | None, status: str | None = None) -> dict[str, Any]:
    """DescribeExecution's answer.

    Parameters
    ----------
    execution
        Its name or ARN; the newest with `status`, if any is asked for, where it is None.

    Raises
    ------
    ClickException
        There is none.
    """
    if execution is None:
        arn = next((found["executionArn"] for found in newest_first(machine, status)), None)
        if arn is None:
            kind = f" that is {status}" if status else ""
            raise click.ClickException(f"There is no execution{kind} yet; `start` starts one.")
    else:
        of_machine = machine.replace(":stateMachine:", ":execution:")
        arn = execution if execution.startswith("arn:") else f"{of_machine}:{execution}"
    try:
        return dict(boto3.client("stepfunctions").describe_execution(executionArn=arn))
    except ClientError as error:
        if error.response["Error"]["Code"] not in _UNKNOWN:
            raise
        raise click.ClickException(
            f"There is no execution {execution}; `list` names those of the last 90 days."
        ) from None


def newest_first(machine: str, status: str | None = None) -> Iterator[dict[str, Any]]:
    """What ListExecutions tells of each, page by page."""
    asked: dict[str, Any] = {"statusFilter": status} if status else {}
    pages = boto3.client("stepfunctions").get_paginator("list_executions").paginate(stateMachineArn=machine, **asked)
    return (dict(execution) for page in pages for execution in page["executions"])
