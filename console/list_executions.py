"""list: the executions of a deployment."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import boto3
import click
from rich.console import Console

from console.deployment import by_name, find
from console.executions import newest_first
from console.json_output import answer, as_json
from console.views import execution_list

_STATUSES = ("RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


@click.command("list")
@click.option("--status", type=click.Choice(_STATUSES, case_sensitive=False), help="Only those.")
@click.option("--limit", type=click.IntRange(min=1), default=10, show_default=True, help="How many at most.")
@by_name
@as_json
def list_executions(status: str | None, limit: int, name: str, as_json: bool) -> None:
    """List executions, newest first. With what was decided on their models."""
    newest, client = newest_first(find(name).machine, status), boto3.client("stepfunctions")
    found = [_told(client, execution) for execution in islice(newest, limit)]
    if as_json:
        answer(found)
    else:
        execution_list.tell(found, Console())


def _told(client: Any, execution: Mapping[str, Any]) -> dict[str, Any]:
    """What is told of an execution; of one that ended in another way than by success, its error."""
    arn, started, stopped = execution["executionArn"], execution["startDate"], execution.get("stopDate")
    told = {
        "name": execution["name"],
        "arn": arn,
        "status": execution["status"],
        "started": started,
        "stopped": stopped,
        "seconds": round(((stopped or datetime.now(UTC)) - started).total_seconds()),
        "decision": None,
        "accuracy": None,
        "error": None,
    }
    if stopped is None:
        return told
    ended = client.describe_execution(executionArn=arn)
    output = json.loads(ended.get("output") or "{}")
    evaluation = output.get("evaluation") or {}
    return told | {
        "decision": output.get("decision"),
        "accuracy": evaluation.get("accuracy"),
        "error": ended.get("error"),
    }
