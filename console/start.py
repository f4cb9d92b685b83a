"""start: an execution, once its input is valid and its cost agreed to."""

import json
import sys
from collections.abc import Mapping
from typing import Any, TextIO

import boto3
import click

from console import console_link, cost_estimate
from console.deployment import by_name, find
from console.execution_input import given_input, read
from console.follow import end_of, follow_to_end
from console.json_output import answer, as_json
from console.views.cost_estimate import total


@click.command()
@given_input
@click.option("--execution-name", help="Of 1 to 80 letters, digits, - and _; AWS gives one where it is left out.")
@click.option(
    "--ask-above",
    type=click.FloatRange(min=0),
    default=10,
    show_default=True,
    metavar="USD",
    help="Ask first if it costs more than this.",
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--follow", is_flag=True, help="Show it until its end, as the command `follow` does.")
@by_name
@as_json
def start(
    input_file: TextIO | None,
    settings: tuple[str, ...],
    execution_name: str | None,
    ask_above: float,
    yes: bool,
    follow: bool,
    name: str,
    as_json: bool,
) -> int | None:
    """Start an execution whose input is valid.

    INPUT_FILE is its input, a JSON object; `-` is standard input. Without it the defaults are taken. What is wrong
    with it, and what it costs, is told before anything starts.
    """
    deployment, execution_input = find(name), read(input_file, settings)
    estimate = cost_estimate.ask(deployment, execution_input)
    click.echo(total(estimate), err=as_json)
    if not yes:
        _agree(estimate, ask_above)
    named = {"name": execution_name} if execution_name else {}
    arn = boto3.client("stepfunctions").start_execution(
        stateMachineArn=deployment.machine, input=json.dumps(execution_input), **named
    )["executionArn"]
    link = console_link.of_execution(arn)
    click.echo(_told(arn, link, follow), err=as_json)
    started = {"name": arn.rpartition(":")[2], "arn": arn, "link": link, "estimate": estimate}
    if follow:
        return end_of(follow_to_end(arn, as_json), as_json, started)
    if as_json:
        answer(started)
    return None


def _agree(estimate: Mapping[str, Any], ask_above: float) -> None:
    """Ask somebody whether to start what costs more, or nobody knows how much."""
    if estimate["usd"] is not None and estimate["usd"] <= ask_above:
        return
    if not sys.stdin.isatty():
        why = "What it costs is not known" if estimate["usd"] is None else f"That is over --ask-above {ask_above:g}"
        raise click.ClickException(f"{why}, and there is no terminal to ask at; give --yes. Nothing was started.")
    if not click.confirm("Start it?", err=True):
        raise click.ClickException("Nothing was started.")


def _told(arn: str, link: str | None, follow: bool) -> str:
    lines = [f"Started {arn.rpartition(':')[2]}", f"  {arn}"]
    if link:
        lines.append(f"  {link}")
    if not follow:
        lines.append(f"Follow it: python -m console follow {arn}")
    return "\n".join(lines)
