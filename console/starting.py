"""How a command starts an execution of a state machine, once its cost is agreed to."""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import boto3
import click

from console import console_link
from console.follow import end_of, follow_to_end
from console.json_output import answer
from console.views.cost_estimate import total
from console.views.next_command import next_command

_Command = TypeVar("_Command", bound=Callable[..., Any])


def starts(command: _Command) -> _Command:
    """The options `execution_name`, `ask_above`, `yes` and `follow` of a command, for `start_execution`."""
    command = click.option("--follow", is_flag=True, help="Show it until its end, as the command `follow` does.")(
        command
    )
    command = click.option("-y", "--yes", is_flag=True, help="Do not ask.")(command)
    command = click.option(
        "--ask-above",
        type=click.FloatRange(min=0),
        default=10,
        show_default=True,
        metavar="USD",
        help="Ask first if it costs more than this.",
    )(command)
    return click.option(
        "--execution-name", help="Of 1 to 80 letters, digits, - and _; AWS gives one where it is left out."
    )(command)


def start_execution(
    machine: str,
    execution_input: Mapping[str, Any],
    estimate: Mapping[str, Any],
    *,
    execution_name: str | None,
    ask_above: float,
    yes: bool,
    follow: bool,
    as_json: bool,
) -> int | None:
    """Tell input and cost, ask if that is much, start it, and follow it if that is wanted; the exit status."""
    click.echo(f"Input: {json.dumps(execution_input) if execution_input else 'the defaults'}", err=as_json)
    click.echo(total(estimate), err=as_json)
    if not yes:
        _agree(estimate, ask_above)
    named = {"name": execution_name} if execution_name else {}
    arn = boto3.client("stepfunctions").start_execution(
        stateMachineArn=machine, input=json.dumps(execution_input), **named
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
        lines.append(f"Follow it: {next_command('follow', arn)}")
    return "\n".join(lines)
