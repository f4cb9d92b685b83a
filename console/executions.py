"""Executions of a deployment: found by name or ARN, newest first."""

from collections.abc import Iterator, Sequence
from typing import Any

import boto3
import click
from botocore.exceptions import ClientError

_UNKNOWN = ("ExecutionDoesNotExist", "InvalidArn", "ValidationException")


def described(machines: Sequence[str], execution: str | None) -> dict[str, Any]:
    """DescribeExecution's answer.

    Parameters
    ----------
    machines
        ARNs of the state machines whose executions may be meant.
    execution
        The ARN, or the name, of an execution; None is the newest of the first machine.

    Raises
    ------
    ClickException
        There is none.
    """
    if execution is None:
        if (newest := next(newest_first(machines[0]), None)) is None:
            raise click.ClickException("There is no execution yet; `make start` starts one.")
        execution = newest["executionArn"]
    if execution.startswith("arn:"):
        arns = [execution]
    else:
        arns = [f"{machine.replace(':stateMachine:', ':execution:')}:{execution}" for machine in machines]
    for arn in arns:
        try:
            return describe(arn)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _UNKNOWN:
                raise
    raise click.ClickException(f"There is no execution {execution}; `make list` names those of the last 90 days.")


def describe(arn: str) -> dict[str, Any]:
    """DescribeExecution's answer to the ARN of an execution that there is."""
    return dict(boto3.client("stepfunctions").describe_execution(executionArn=arn))


def newest_first(machine: str, status: str | None = None) -> Iterator[dict[str, Any]]:
    """What ListExecutions tells of each, page by page."""
    asked: dict[str, Any] = {"statusFilter": status} if status else {}
    pages = boto3.client("stepfunctions").get_paginator("list_executions").paginate(stateMachineArn=machine, **asked)
    return (dict(execution) for page in pages for execution in page["executions"])
