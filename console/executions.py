"""Executions of a deployment: found by name or ARN, newest first."""

from collections.abc import Iterator
from typing import Any

import boto3
import click
from botocore.exceptions import ClientError

_UNKNOWN = ("ExecutionDoesNotExist", "InvalidArn", "ValidationException")


def described(machine: str, execution: str | None, ended: bool = False) -> dict[str, Any]:
    """DescribeExecution's answer.

    Parameters
    ----------
    execution
        Its name or ARN; None is the newest, of those that have `ended` if only they are asked for.

    Raises
    ------
    ClickException
        There is none.
    """
    if execution is None:
        wanted = (found for found in newest_first(machine) if not ended or found["status"] != "RUNNING")
        if (newest := next(wanted, None)) is None:
            kind = " that has ended" if ended else ""
            raise click.ClickException(f"There is no execution{kind} yet; `start` starts one.")
        arn = newest["executionArn"]
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
