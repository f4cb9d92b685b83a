"""An execution followed from outside: states, items, attempts, epochs of jobs, and how it ended."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import MagicMock

import boto3
import pytest

from console.views.execution import Execution, Outcome
from console.views.history import Job, visits
from console.views.progress import Line
from tests.rehearsal.emulator import ROLE, Emulator
from tests.rehearsal.sagemaker import bucket as bucket_
from tests.rehearsal.sagemaker.bucket import Bucket
from tests.rehearsal.sagemaker.jobs import explanation
from tests.rehearsal.sagemaker.tuning_request import tuning_request

NOTHING = {"StartAt": "Nothing", "States": {"Nothing": {"Type": "Pass", "End": True}}}

Follow = Callable[..., tuple[Outcome, list[dict[str, Line]]]]


@pytest.fixture
def follow(aws: Emulator, monkeypatch: pytest.MonkeyPatch) -> Follow:
    """Run a machine once; gives its outcome and every look at its progress, as lines by title.

    Each live note is handed to `noted`; `looked` is called at each look.
    """
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint_url)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "rehearsal")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

    def run(
        definition: dict[str, Any],
        noted: Callable[[str], object] = lambda _: None,
        looked: Callable[[], object] = lambda: None,
    ) -> tuple[Outcome, list[dict[str, Line]]]:
        machine = aws.client("stepfunctions").create_state_machine(
            name=f"followed-{time.monotonic_ns()}",
            definition=json.dumps({"QueryLanguage": "JSONata", **definition}),
            roleArn=ROLE,
        )
        looks: list[dict[str, Line]] = []

        def show(lines: Sequence[Line]) -> None:
            looks.append({line.title: line for line in lines})
            looked()
            for note in (note for line in lines for note in line.live_notes):
                noted(note)

        arn = aws.client("stepfunctions").start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
        return Execution(arn).follow(show, seconds_between_looks=0.5), looks

    return run


def test_states_are_shown_as_they_run_and_end(aws: Emulator, follow: Follow) -> None:
    # given a map of two items that wait for an object, and other states, one of them on a way that is not taken
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="looks")
    there = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:headObject",
        "Arguments": {"Bucket": "looks", "Key": "seen"},
        "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "BackoffRate": 1, "MaxAttempts": 100}],
        "End": True,
    }
    waiting = {"StartAt": "Await", "States": {"Await": there}}

    def asleep(name: str) -> dict[str, Any]:
        return {"StartAt": name, "States": {name: {"Type": "Wait", "Seconds": 1, "End": True}}}

    definition = {
        "StartAt": "Each",
        "States": {
            "Each": {"Type": "Map", "Items": [1, 2], "ItemProcessor": waiting, "Next": "Which?"},
            "Which?": {
                "Type": "Choice",
                "Choices": [{"Condition": "{% false %}", "Next": "Other"}],
                "Default": "Last",
            },
            "Other": {"Type": "Parallel", "Branches": [asleep("Doze")], "Next": "Last"},
            "Last": {
                "Type": "Map",
                "Items": [1],
                "ItemProcessor": asleep("Nap"),
                "Output": {"answer": 42},
                "End": True,
            },
        },
    }
    # when it is followed, and the object comes with the first look
    outcome, looks = follow(definition, looked=lambda: s3.put_object(Bucket="looks", Key="seen"))
    # then that look shows it running and the rest waiting, and the last tells which ran and which did not
    assert looks[0]["Last"].status == "waiting"
    assert looks[0]["Each"].status == "running"
    assert {title: line.status for title, line in looks[-1].items()} == {
        "Each": "done",
        "Other": "skipped",
        "Last": "done",
    }
    assert looks[-1]["Each"].detail == "2/2 items"
    assert outcome.status == "SUCCEEDED"
    assert outcome.output == {"answer": 42}
    assert outcome.seconds["Last"] >= 1  # its item sleeps for a second
    assert set(outcome.seconds) == {"Each", "Await", "Which?", "Last", "Nap"}


def test_the_items_of_a_distributed_map_are_counted(aws: Emulator, follow: Follow) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="items")
    s3.put_object(Bucket="items", Key="items.json", Body=b"[1, 2, 3]")
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **NOTHING}
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON"},
        "Arguments": {"Bucket": "items", "Key": "items.json"},
    }
    definition = {
        "StartAt": "Each",
        "States": {"Each": {"Type": "Map", "ItemReader": reader, "ItemProcessor": processor, "End": True}},
    }
    _, looks = follow(definition)
    assert looks[-1]["Each"].detail == "3/3 items"


def test_a_failure_shows_where_it_happened_and_why(follow: Follow) -> None:
    # given a task that fails twice and is caught on the way to a Fail state
    definition = {
        "StartAt": "Read",
        "States": {
            "Read": {
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
                "Arguments": {"Bucket": "no-such-bucket", "Key": "none"},
                "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1, "IntervalSeconds": 1}],
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Failed"}],
                "Next": "After",
            },
            "After": {"Type": "Map", "Items": [], "ItemProcessor": NOTHING, "End": True},
            "Failed": {"Type": "Fail", "Error": "SourceNotFound", "Cause": "There is no such bucket."},
        },
    }
    outcome, looks = follow(definition)
    assert (outcome.status, outcome.error, outcome.cause) == ("FAILED", "SourceNotFound", "There is no such bucket.")
    assert outcome.output is None
    assert looks[-1]["Read"].status == "failed"
    assert looks[-1]["Read"].detail == "attempt 2"
    assert looks[-1]["After"].status == "skipped"


def test_what_ended_with_its_execution_took_until_then_however_late_one_looks(
    aws: Emulator, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a clock that is an hour ahead of the execution's end
    clock = MagicMock(now=lambda zone: datetime.now(zone) + timedelta(hours=1))
    monkeypatch.setattr("console.views.execution.datetime", clock)
    # when
    _, looks = follow({"StartAt": "Stop", "States": {"Stop": {"Type": "Fail", "Error": "Wrong"}}})
    # then
    assert looks[-1]["Stop"].status == "failed"
    assert looks[-1]["Stop"].seconds < 3600


def test_what_waits_for_a_person_says_so(aws: Emulator, follow: Follow) -> None:
    # given a task that nobody answers for three seconds
    queue = aws.client("sqs").create_queue(QueueName="decisions")["QueueUrl"]
    wait = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Arguments": {"QueueUrl": queue, "MessageBody": {"token": "{% $states.context.Task.Token %}"}},
        "TimeoutSeconds": 3,
        "End": True,
    }
    _, looks = follow({"StartAt": "Decide", "States": {"Decide": wait}})
    notes = [note for look in looks for note in look["Decide"].notes]
    # then it names the commands, with the execution and the deployment, which is the machine's name
    first, look, accept, refuse = notes[:4]
    assert first == "waits for a person to decide:"
    chosen = re.fullmatch(r"make report (EXECUTION=\S+ DEPLOYMENT=\S+)", look)
    assert chosen
    assert (accept, refuse) == (f"make approve {chosen[1]}", f"make reject {chosen[1]} REASON=...")
    assert looks[-1]["Decide"].notes == ()


def test_a_job_is_known_while_it_runs_and_its_map_item_with_it() -> None:
    # given the history of a job inside an inline map, as Step Functions writes it
    def event(id: int, previous: int, type: str, **details: Any) -> dict[str, Any]:
        return {"id": id, "previousEventId": previous, "type": type, "timestamp": None, **details}

    scheduled = {
        "resourceType": "sagemaker",
        "resource": "createTrainingJob.sync",
        "parameters": json.dumps({"TrainingJobName": "a-job"}),
    }
    events = [
        event(1, 0, "ExecutionStarted"),
        event(2, 0, "MapStateEntered", stateEnteredEventDetails={"name": "Train"}),
        event(3, 2, "MapStateStarted", mapStateStartedEventDetails={"length": 2}),
        event(4, 3, "MapIterationStarted", mapIterationStartedEventDetails={"name": "Train", "index": 0}),
        event(5, 4, "TaskStateEntered", stateEnteredEventDetails={"name": "Job"}),
        event(6, 5, "TaskScheduled", taskScheduledEventDetails=scheduled),
    ]
    # when it is read, then the job belongs to the inner state, which belongs to the map
    outer, inner = visits(events)
    assert inner.job == Job("createTrainingJob", {"TrainingJobName": "a-job"})
    assert inner.inside is outer
    assert (outer.items, outer.items_done) == (2, 0)


def test_a_tuning_job_tells_its_best_trial_and_shows_the_epochs_of_the_running_ones(
    aws: Emulator, follow: Follow
) -> None:
    # given a tuning job of two trials, one after the other, which go on when what they did has been shown
    aws.client("s3").create_bucket(Bucket=bucket_.NAME)
    bucket = Bucket(aws.client("s3"))
    script = """
import os, time, boto3
s3, trial = boto3.client("s3"), os.environ["TRAINING_JOB_NAME"]
def wait_until_shown(note):
    while not s3.list_objects_v2(Bucket="data", Prefix=f"shown/{trial}  {note}")["KeyCount"]:
        time.sleep(0.1)
wait_until_shown("is starting")
print("epoch=1 objective=0.25")
wait_until_shown("epoch 1")
print(f"epoch=2 objective=0.{trial.split('-')[-2]}")
wait_until_shown("epoch 2")
"""
    request = tuning_request(bucket, script, jobs=2, parallel=1)
    resource = "arn:aws:states:::sagemaker:createHyperParameterTuningJob.sync"
    result = "{% $states.result.BestTrainingJob %}"
    tune = {"Type": "Task", "Resource": resource, "Arguments": request, "Output": result, "End": True}
    # when it is followed
    definition = {"StartAt": "Tune", "States": {"Tune": tune}}
    outcome, looks = follow(definition, noted=lambda note: bucket.put(f"shown/{note}", ""))
    # then what is kept changes with the trials only
    name = request["HyperParameterTuningJobName"]
    assert outcome.output is not None, explanation(aws.client("sagemaker"), "HyperParameterTuningJob", name)
    best = outcome.output["TunedHyperParameters"]
    told = list(dict.fromkeys(note for look in looks for note in look["Tune"].notes))
    first = "best objective=0.001 at"
    assert [note.removeprefix(name).strip() for note in told if "starting" not in note][:1] == ["0/2 trials have ended"]
    assert any(note.startswith(f"{name}  1/2 trials have ended, {first} ") for note in told)
    # and the live display has the epochs of each
    live = list(dict.fromkeys(note for look in looks for note in look["Tune"].live_notes))
    assert [note.split("  ", 1)[1] for note in live if f"{name}-002-" in note] == [
        "is starting",
        "epoch 1  objective=0.25",
        "epoch 2  objective=0.002",
    ]
    assert outcome.output["TrainingJobName"].startswith(f"{name}-002-")
    assert set(best) == {"rate", "batch-size"}


A = {"A": {"Type": "Succeed"}}


def test_a_tuning_job_that_no_state_waits_for_is_shown_where_it_is_looked_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # given an execution that has started a tuning job and waits before it looks, as one with completion criteria does
    def event(id: int, type: str, **details: Any) -> dict[str, Any]:
        return {"id": id, "previousEventId": id - 1, "type": type, "timestamp": datetime.now(UTC), **details}

    scheduled = {
        "resourceType": "aws-sdk:sagemaker",
        "resource": "createHyperParameterTuningJob",
        "parameters": json.dumps({"HyperParameterTuningJobName": "search"}),
    }
    history = [
        event(1, "ExecutionStarted"),
        event(2, "TaskStateEntered", stateEnteredEventDetails={"name": "Tune to criteria"}),
        event(3, "TaskScheduled", taskScheduledEventDetails=scheduled),
        event(4, "TaskStateExited", stateExitedEventDetails={"name": "Tune to criteria"}),
        event(5, "WaitStateEntered", stateEnteredEventDetails={"name": "Wait for trials"}),
    ]
    aws, job = MagicMock(), {"HyperParameterTuningJobStatus": "InProgress"}
    aws.describe_state_machine_for_execution.return_value = {"definition": json.dumps({"StartAt": "A", "States": A})}
    aws.get_paginator.return_value.paginate.return_value = [{"events": history}]
    aws.describe_execution.return_value = {"status": "RUNNING"}
    aws.describe_hyper_parameter_tuning_job.side_effect = lambda **_name: (
        job
        | {
            "TrainingJobStatusCounters": {"Completed": 3, "Stopped": 0, "NonRetryableError": 1},
            "HyperParameterTuningJobConfig": {"ResourceLimits": {"MaxNumberOfTrainingJobs": 10}},
        }
    )
    monkeypatch.setattr(boto3, "client", lambda _service: aws)

    def look() -> dict[str, Line]:
        looks: list[Sequence[Line]] = []

        def enough(lines: Sequence[Line]) -> None:
            looks.append(lines)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            Execution("arn:e").follow(enough, 0)
        return {line.title: line for line in looks[0]}

    # when it is followed, then the state that runs has the trials
    assert look()["Wait for trials"].notes == ("search  4/10 trials have ended",)
    # ... until the job has ended
    job["HyperParameterTuningJobStatus"] = "Completed"
    assert look()["Wait for trials"].notes == ()
