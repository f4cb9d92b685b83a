"""Executions and their jobs stopped by the console, against the emulated AWS."""

from __future__ import annotations

import json
import uuid
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from console.cli import main
from tests.console.conftest import OUTPUT, Execute, status_of
from tests.rehearsal.emulator import Emulator
from tests.rehearsal.sagemaker.jobs import sleeping_job

Captured = pytest.CaptureFixture[str]


def start_two_jobs(aws: Emulator, execute: Execute) -> tuple[str, str, str]:
    """An execution's name, and those of a job that it has started and left alone and of one that it waits for."""
    mark = uuid.uuid4().hex[:6]
    alone, waited = f"alone-{mark}", f"waited-{mark}"
    name = execute(process=[sleeping_job(alone), sleeping_job(waited)])
    sagemaker = aws.client("sagemaker")
    aws.wait_for(lambda: sagemaker.list_processing_jobs(NameContains=waited)["ProcessingJobSummaries"], bool)
    return name, alone, waited


def test_stopping_ends_the_jobs_that_wait_and_those_that_nobody_waits_for(
    aws: Emulator, deployed: str, execute: Execute, capsys: Captured
) -> None:
    name, alone, waited = start_two_jobs(aws, execute)
    sagemaker = aws.client("sagemaker")
    # when
    assert main(["stop", name, "--json"]) == 0
    # then
    told = json.loads(capsys.readouterr().out)
    assert told["status"] == status_of(aws, deployed, name) == "ABORTED"
    assert [(job["kind"], job["name"]) for job in told["jobs"]] == [("ProcessingJob", alone), ("ProcessingJob", waited)]
    for job in (alone, waited):
        aws.wait_for(
            lambda job=job: sagemaker.describe_processing_job(ProcessingJobName=job)["ProcessingJobStatus"],
            lambda status: status == "Stopped",
        )
    # ... and again it says what it finds
    assert main(["stop", name]) == 0
    assert f"ProcessingJob {alone} is Stopped.\nProcessingJob {waited} is Stopped.\n" in capsys.readouterr().out


def test_a_job_that_cannot_be_stopped_is_named_and_the_others_are_stopped(
    aws: Emulator, execute: Execute, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    # given an execution with two jobs, one of which somebody may not stop
    name, others, mine = start_two_jobs(aws, execute)
    real, denied = boto3.client, {"Error": {"Code": "AccessDeniedException", "Message": "not allowed"}}

    def client(service: str, **options: Any) -> Any:
        made = real(service, **options)  # type: ignore[call-overload]
        if service == "sagemaker":
            stop = made.stop_processing_job

            def stop_mine(ProcessingJobName: str) -> Any:
                if ProcessingJobName == others:
                    raise ClientError(denied, "StopProcessingJob")  # type: ignore[arg-type]
                return stop(ProcessingJobName=ProcessingJobName)

            monkeypatch.setattr(made, "stop_processing_job", stop_mine)
        return made

    monkeypatch.setattr(boto3, "client", client)
    # when
    assert main(["stop", name]) == 1
    # then
    told = capsys.readouterr()
    assert f"ProcessingJob {mine} is Stop" in told.out
    assert f"Error: ProcessingJob {others} runs on: " in told.err
    assert "not allowed" in told.err
    aws.client("sagemaker").stop_processing_job(ProcessingJobName=others)


def test_one_that_has_ended_has_nothing_to_stop(execute: Execute, capsys: Captured) -> None:
    name = execute(output=OUTPUT)
    assert main(["stop", name]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith(f":{name} is SUCCEEDED.")
    assert second == "No job of it was running."
