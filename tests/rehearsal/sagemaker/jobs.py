"""Jobs awaited to their end: when that is another than awaited, the test says the job's own reason and log."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any, Literal

from botocore import xform_name
from botocore.exceptions import ClientError

from console.views.history import visits
from tests.rehearsal.emulator import ROLE, Emulator, client

Kind = Literal["TrainingJob", "ProcessingJob", "HyperParameterTuningJob"]

_RUNNING = ("InProgress", "Stopping")
_REASONS = ("SecondaryStatus", "FailureReason", "ExitMessage")
_LAST_LINES = 20


def entrypoint(script: str) -> list[str]:
    """A processing job's entrypoint that runs a Python script: each entry is one line."""
    return ["python3", "-c", f"exec({script!r})"]


def sleeping_job(name: str) -> dict[str, Any]:
    """CreateProcessingJob's arguments for a job that does nothing for ten minutes."""
    return {
        "ProcessingJobName": name,
        "RoleArn": ROLE,
        "AppSpecification": {
            "ImageUri": "python",
            "ContainerEntrypoint": entrypoint("import time; time.sleep(600)"),
        },
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 1}
        },
    }


def ended(sagemaker: Any, kind: Kind, name: str, awaited: str = "Completed") -> dict[str, Any]:
    """The job's description once it has ended, which has to be with the status `awaited`."""
    with contextlib.suppress(AssertionError):  # of one that never ends the log is told, too
        Emulator.wait_for(lambda: _status(sagemaker, kind, name), lambda status: status not in _RUNNING)
    assert _status(sagemaker, kind, name) == awaited, f"not {awaited}: {explanation(sagemaker, kind, name)}"
    return _describe(sagemaker, kind, name)


def wait_for_line(sagemaker: Any, kind: Kind, name: str, line: str) -> None:
    """Wait until the job has written a line."""

    def written_or_ended() -> bool:
        over = _status(sagemaker, kind, name) not in _RUNNING
        return line in log_lines(sagemaker, kind, name) or over

    with contextlib.suppress(AssertionError):
        Emulator.wait_for(written_or_ended, bool)
    assert line in log_lines(sagemaker, kind, name), f"no line '{line}': {explanation(sagemaker, kind, name)}"


def log_lines(sagemaker: Any, kind: Kind, name: str) -> list[str]:
    """What the job's hosts have written, host by host; a tuning job's hosts are its trials'."""
    return [line for lines in _logs(sagemaker, kind, name).values() for line in lines]


def explanation(sagemaker: Any, kind: Kind, name: str) -> str:
    """A job's status, the reasons that its description gives, and the end of each host's log."""
    job = _describe(sagemaker, kind, name)
    reasons = [f"{field}: {job[field]}" for field in _REASONS if field in job]
    logs = _logs(sagemaker, kind, name).items()
    ends = ["\n    ".join([f"{stream} ends with", *lines[-_LAST_LINES:]]) for stream, lines in logs]
    return "\n".join([f"{kind} {name} is {job[f'{kind}Status']}", *reasons, *(ends or ["It has written no log."])])


def explanation_of_execution(endpoint_url: str, execution: Mapping[str, Any]) -> str:
    """How an execution ended, by DescribeExecution's answer, and what became of its jobs that are not Completed."""
    sagemaker, states = client("sagemaker", endpoint_url), client("stepfunctions", endpoint_url)
    pages = states.get_paginator("get_execution_history").paginate(executionArn=execution["executionArn"])
    started = [visit.job for visit in visits(event for page in pages for event in page["events"]) if visit.job]
    told = [
        f"Execution {execution['name']} is {execution['status']}: {execution.get('cause', execution.get('output'))}"
    ]
    for job in started:
        kind: Any = job.action.removeprefix("create")
        name = job.arguments.get(f"{kind}Name", "")
        with contextlib.suppress(ClientError):  # it was refused, which the execution's cause says
            if _status(sagemaker, kind, name) != "Completed":
                told.append(explanation(sagemaker, kind, name))
    return "\n".join(told)


def _describe(sagemaker: Any, kind: Kind, name: str) -> dict[str, Any]:
    return dict(getattr(sagemaker, xform_name(f"Describe{kind}"))(**{f"{kind}Name": name}))


def _status(sagemaker: Any, kind: Kind, name: str) -> str:
    return str(_describe(sagemaker, kind, name)[f"{kind}Status"])


def _logs(sagemaker: Any, kind: Kind, name: str) -> dict[str, list[str]]:
    """Lines by log stream."""
    logs = client("logs", sagemaker.meta.endpoint_url)
    group, prefix = f"/aws/sagemaker/{kind}s", f"{name}/"
    if kind == "HyperParameterTuningJob":
        group, prefix = "/aws/sagemaker/TrainingJobs", f"{name}-"
    try:
        streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=prefix)["logStreams"]
    except logs.exceptions.ResourceNotFoundException:  # nothing has logged yet
        return {}
    found = {}
    for stream in [stream["logStreamName"] for stream in streams]:
        answer = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)
        found[stream] = [event["message"] for event in answer["events"]]
    return found
