"""audit: which bins do not hold what the records say."""

import json
import sys
import webbrowser
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

import boto3
import click
from rich.console import Console

from console import cost_estimate
from console.deployment import Deployment, by_name, find
from console.execution_input import given_input, read
from console.executions import describe, newest_first
from console.json_output import answer, as_json
from console.starting import start_execution, starts
from console.views import audit_result, result
from console.views.execution import Outcome
from console.views.next_command import next_command


@click.command()
@given_input
@starts
@click.option("--show", "shows", is_flag=True, help="Show the newest audit that succeeded instead of starting one.")
@click.option(
    "--open", "opens", is_flag=True, help="With --show: fetch page and table into audits/, and open the page."
)
@by_name
@as_json
def audit(
    input_file: TextIO | None,
    settings: tuple[str, ...],
    shows: bool,
    opens: bool,
    name: str,
    as_json: bool,
    **options: Any,
) -> int | None:
    """Start an audit: count bins, and compare with their records.

    INPUT_FILE is its input, a JSON object; `-` is standard input. Without it all bins of the source are counted with
    the model that serves, which can cost much: what it costs is told before anything starts.
    """
    deployment = find(name)
    if shows:
        return _show(deployment, opens, as_json)
    if opens:
        raise click.UsageError("--open needs --show.")
    asked = read(input_file, settings)
    estimate = cost_estimate.ask(deployment.audit_price_function, {"input": asked})
    return start_execution(deployment.audit_machine, asked, estimate, as_json=as_json, **options)


def _show(deployment: Deployment, opens: bool, as_json: bool) -> int:
    found = _newest(deployment.audit_machine)
    output = json.loads(found["output"]) if "output" in found else None
    page = _fetched(output) if opens and output else None
    if as_json:
        told = {"arn": found["executionArn"], "status": found["status"]}
        answer(told | ({"output": output} if output else {}) | ({"file": str(page.absolute())} if page else {}))
    else:
        figures = audit_result.figures_of(output) if output else []
        result.tell(Outcome(found["status"], {}, output, found.get("error"), found.get("cause")), figures, Console())
        if page:
            click.echo(f"The page is {page}")
            if sys.stdout.isatty():
                webbrowser.open(page.absolute().as_uri())
    return 0 if output else 1


def _newest(machine: str) -> dict[str, Any]:
    """The newest audit that succeeded, or else the newest that has ended."""
    audits = list(newest_first(machine))
    ended = [audit for audit in audits if audit["status"] != "RUNNING"]
    if not ended:
        running = (
            f"follow it: {next_command('follow', audits[0]['executionArn'])}" if audits else "`make audit` starts one."
        )
        raise click.ClickException(f"No audit has ended yet; {running}")
    newest = next((audit for audit in ended if audit["status"] == "SUCCEEDED"), ended[0])
    if newest is not ended[0]:
        click.echo(f"{ended[0]['name']} is {ended[0]['status']}. This is the newest that succeeded.", err=True)
    return describe(newest["executionArn"])


def _fetched(output: Mapping[str, Any]) -> Path:
    """The page on this machine, with the table beside it."""
    files = []
    for uri in (output["tableUri"], output["pageUri"]):
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        _, audit, _, name = key.split("/")
        file = Path("audits", audit, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        boto3.client("s3").download_file(bucket, key, str(file))
        files.append(file)
    return files[-1]
