"""An execution that puts a registered package behind the endpoint, with the turn and the checks of every release."""

import json

import boto3
import click

from console.deployment import find
from console.follow import follow_to_end
from console.json_output import answer
from console.packages import check_approved


def release(name: str, package: str, wait: bool, as_json: bool) -> None:
    """Start it with `package` (an ARN, or "previous"), and follow it; ClickException if it may not be, or fails."""
    deployment = find(name)
    if package != "previous":
        check_approved(deployment, package)
    arn = boto3.client("stepfunctions").start_execution(
        stateMachineArn=deployment.machine, input=json.dumps({"release": {"package": package}})
    )["executionArn"]
    click.echo(f"Started {arn}", err=as_json)
    started = {"name": arn.rpartition(":")[2], "arn": arn}
    if not wait:
        if as_json:
            answer(started)
        return
    ended = follow_to_end(arn, as_json)
    if ended.output is None:
        raise click.ClickException(f"{ended.status} {ended.error or ''}: {ended.cause or 'no cause'}")
    decision, served, endpoint = (ended.output[field] for field in ("decision", "model", "endpoint"))
    if as_json:
        answer({**started, "decision": decision, "model": served, "endpoint": endpoint})
    else:
        click.echo(f"{decision}: {served['packageArn']} behind endpoint {endpoint['name']}")
