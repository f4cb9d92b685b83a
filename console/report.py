"""report: an execution's report on this machine."""

import json
import sys
import webbrowser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import click
from botocore.exceptions import ClientError

from console.deployment import Deployment, by_name, find
from console.executions import describe, described, newest_first
from console.json_output import answer, as_json
from console.packages import waiting

_OF_A_FAILURE = "Write report of failure"
"""The state."""


@click.command()
@click.argument("execution", required=False)
@click.option(
    "--to", "folder", type=click.Path(file_okay=False, path_type=Path), help="A folder. [default: reports/EXECUTION]"
)
@click.option("--open/--no-open", "opens", default=True, show_default=True, help="In the browser, from a terminal.")
@by_name
@as_json
def report(execution: str | None, folder: Path | None, opens: bool, name: str, as_json: bool) -> None:
    """Fetch an execution's report and open it.

    EXECUTION is a name or an ARN, also of one that waits for a decision; without one it is the newest that has ended,
    well or not, and has a report.
    """
    deployment = find(name)
    found, uri = _newest(deployment.machine) if execution is None else _named(deployment, execution)
    file = (folder or Path("reports") / found["name"]) / "report.html"
    _download(uri, file)
    if as_json:
        answer({"arn": found["executionArn"], "uri": uri, "file": str(file.absolute())})
        return
    click.echo(f"The report is {file}")
    if opens and sys.stdout.isatty():
        webbrowser.open(file.absolute().as_uri())


def _named(deployment: Deployment, execution: str) -> tuple[dict[str, Any], str]:
    """An execution by its name or ARN, and where its page is."""
    found = described(deployment.machines, execution)
    uri = _to_decide_by(deployment, found["name"]) if found["status"] == "RUNNING" else _uri(found)
    if uri is None:
        raise click.ClickException(f"{found['name']} is {found['status']}, and has no report.")
    return found, uri


def _to_decide_by(deployment: Deployment, execution: str) -> str | None:
    """The evaluation's page of the model with which an execution waits."""
    if (package := waiting(deployment, execution)) is None:
        return None
    metrics: str = package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
    return f"{metrics.rpartition('/')[0]}/report.html"


def _newest(machine: str) -> tuple[dict[str, Any], str]:
    """The newest that has a page: one that was stopped has none."""
    without: list[str] = []
    for listed in newest_first(machine):
        if listed["status"] == "RUNNING":
            continue
        found = describe(listed["executionArn"])
        if (uri := _uri(found)) is not None:
            if without:
                click.echo(f"{', '.join(without)}: no report. This is the newest that has one.", err=True)
            return found, uri
        without.append(f"{found['name']} is {found['status']}")
    raise click.ClickException("No execution that has ended has a report yet; `make start` starts one.")


def _uri(execution: Mapping[str, Any]) -> str | None:
    """Where the page is: in the output, or where the states of a failure have left it in the history."""
    if "output" in execution:
        output = json.loads(execution["output"])
        if "pageUri" in output:
            raise click.ClickException("This is an audit; `make audit SHOW=1 OPEN=1` fetches its page.")
        uri: str | None = output.get("reportUri") or output.get("evaluation", {}).get("reportUri")
        return uri
    pages = (
        boto3.client("stepfunctions")
        .get_paginator("get_execution_history")
        .paginate(executionArn=execution["executionArn"], reverseOrder=True)
    )
    left = (event.get("stateExitedEventDetails", {}) for page in pages for event in page["events"])
    found = next((state["output"] for state in left if state.get("name") == _OF_A_FAILURE), "{}")
    left_behind: str | None = json.loads(found).get("reportUri")
    return left_behind


def _download(uri: str, file: Path) -> None:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        boto3.client("s3").download_file(bucket, key, str(file))
    except ClientError as error:
        raise click.ClickException(f"{uri} cannot be fetched: {error}") from None
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}.") from None
