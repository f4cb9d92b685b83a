"""stop: end an execution, and the jobs that it would leave running."""

from typing import Any

import boto3
import click
from botocore import xform_name
from botocore.exceptions import ClientError

from console.deployment import by_name, find
from console.executions import described
from console.json_output import answer, as_json
from console.views.history import Job, visits_of

_ENDED_BY_STOPPING = ("Stopping", "Stopped")
_NOT_FOUND = ("ValidationException", "ResourceNotFound")
"""What SageMaker answers of a job that was never created."""


@click.command()
@click.argument("execution")
@by_name
@as_json
def stop(execution: str, name: str, as_json: bool) -> None:
    """Stop an execution and its jobs.

    EXECUTION is a name or an ARN. Also ends what an execution that was stopped in another way has left running.
    """
    arn, status = _stopped(described(find(name).machines, execution))
    jobs = [{"kind": job.kind, "name": job.name, **_stop(job)} for job in _jobs(arn)]
    left = [job for job in jobs if job["status"] in _ENDED_BY_STOPPING or "error" in job]
    if as_json:
        answer({"arn": arn, "status": status, "jobs": left})
    else:
        click.echo(f"{arn} is {status}.")
        for job in left:
            click.echo(f"{job['kind']} {job['name']} is {job['status']}.")
        if not left:
            click.echo("No job of it was running.")
    if refused := [f"{job['kind']} {job['name']} runs on: {job['error']}" for job in left if "error" in job]:
        raise click.ClickException("\n".join(refused))


def _stopped(execution: dict[str, Any]) -> tuple[str, str]:
    """The execution's ARN and its status, having stopped it if it ran."""
    arn: str = execution["executionArn"]
    if execution["status"] != "RUNNING":
        return arn, execution["status"]
    boto3.client("stepfunctions").stop_execution(
        executionArn=arn, error="Stopped", cause="Somebody stopped it: make stop"
    )
    return arn, "ABORTED"


def _jobs(execution: str) -> list[Job]:
    """The jobs that it started, the last attempt of each state; as it has ended, no more will follow."""
    return [visit.job for visit in visits_of(boto3.client("stepfunctions"), execution) if visit.job]


def _stop(job: Job) -> dict[str, str | None]:
    """The job's `status`, having stopped it if it runs, None if it was never created; the `error` if it runs on.

    Step Functions stops those that it waits for by itself, in its own time.
    """
    sagemaker, which = boto3.client("sagemaker"), {f"{job.kind}Name": job.name}

    def status() -> str:
        answered = getattr(sagemaker, xform_name(f"Describe{job.kind}"))(**which)
        return str(answered[f"{job.kind}Status"])

    refusal: ClientError | None = None
    try:
        if status() == "InProgress":
            try:
                getattr(sagemaker, xform_name(f"Stop{job.kind}"))(**which)
            except ClientError as error:  # as one that has ended meanwhile is refused
                refusal = error
        now = status()
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NOT_FOUND:
            raise
        return {"status": None}
    return {"status": now, "error": str(refusal)} if refusal and now == "InProgress" else {"status": now}
