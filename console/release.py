"""An execution that puts a registered package behind the endpoint, with the turn and the checks of every release."""

import json
import time

import boto3
import click

from console.deployment import find

_POLL_SECONDS = 5


def release(name: str, package: str, wait: bool) -> None:
    """Start it with `package` (an ARN, or "previous"), and wait for its end; raises ClickException when it fails."""
    executions = boto3.client("stepfunctions")
    started = executions.start_execution(
        stateMachineArn=find(name).machine, input=json.dumps({"release": {"package": package}})
    )["executionArn"]
    click.echo(f"Started {started}")
    if not wait:
        return
    while (found := executions.describe_execution(executionArn=started))["status"] == "RUNNING":
        time.sleep(_POLL_SECONDS)
    if found["status"] != "SUCCEEDED":
        raise click.ClickException(f"{found['status']} {found.get('error', '')}: {found.get('cause', 'no cause')}")
    output = json.loads(found["output"])
    click.echo(f"{output['decision']}: {output['model']['packageArn']} behind endpoint {output['endpoint']['name']}")
