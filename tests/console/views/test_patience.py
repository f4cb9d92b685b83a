"""What AWS does not answer while an execution is followed: asked again for a while, or told at once."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from unittest.mock import MagicMock

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from console.views.execution import Execution, Outcome
from console.views.progress import Line
from tests.rehearsal.emulator import ROLE, Emulator

A = {"A": {"Type": "Succeed"}}


def test_one_that_aws_does_not_find_at_first_is_waited_for(aws: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    # given the ARN of an execution that AWS knows a little later: its answers are eventually consistent
    states, name = aws.client("stepfunctions"), f"late-{time.monotonic_ns()}"
    machine = states.create_state_machine(
        name=name, definition=json.dumps({"StartAt": "A", "States": A}), roleArn=ROLE
    )["stateMachineArn"]
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint_url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "rehearsal")
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        if not slept:
            states.start_execution(stateMachineArn=machine, name=name)
        slept.append(seconds)

    monkeypatch.setattr("console.views.execution.time.sleep", sleep)
    # when it is followed from the start
    execution = Execution(f"{machine.replace(':stateMachine:', ':execution:')}:{name}")
    # then it is followed to its end
    assert slept
    assert execution.follow(lambda _: None, seconds_between_looks=0.5).status == "SUCCEEDED"


def refused(code: str, status: int = 400) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Describe")  # type: ignore[typeddict-item]


def followed(monkeypatch: pytest.MonkeyPatch, *looks: Any) -> tuple[Outcome, list[Sequence[Line]]]:
    """A map that runs and ends, as DescribeExecution tells it in `looks`; all else is refused, and no time passes."""
    entered = {"id": 1, "previousEventId": 0, "type": "MapStateEntered", "timestamp": datetime.now(UTC)}
    started = {"id": 2, "previousEventId": 1, "type": "MapRunStarted", "timestamp": datetime.now(UTC)}
    history = [
        entered | {"stateEnteredEventDetails": {"name": "A"}},
        started | {"mapRunStartedEventDetails": {"mapRunArn": "arn:run"}},
    ]
    aws, clock, shown = MagicMock(), itertools.count(), list[Sequence[Line]]()
    aws.describe_state_machine_for_execution.return_value = {"definition": json.dumps({"StartAt": "A", "States": A})}
    aws.get_paginator.return_value.paginate.return_value = [{"events": history}]
    aws.describe_execution.side_effect = looks
    aws.describe_map_run.side_effect = refused("ResourceNotFound")
    monkeypatch.setattr(boto3, "client", lambda _service: aws)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    return Execution("arn:e").follow(shown.append, 0), shown


RUNNING = {"status": "RUNNING"}
ENDED = {"status": "SUCCEEDED", "stopDate": datetime.now(UTC), "output": "{}"}


def test_what_aws_does_not_answer_for_a_while_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    # given a map run that is not found, and looks that are throttled, fail, or do not reach AWS
    unreached = EndpointConnectionError(endpoint_url="https://states")
    looks = [RUNNING, refused("ThrottlingException"), unreached, refused("InternalFailure", 500), RUNNING, ENDED]
    # when it is followed, then to its end
    outcome, shown = followed(monkeypatch, *looks)
    assert outcome.status == "SUCCEEDED"
    assert len(shown) == 3


@pytest.mark.parametrize("error", [refused("ExpiredTokenException"), NoCredentialsError()])
def test_who_is_no_longer_signed_in_is_told_at_once(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    with pytest.raises(type(error)):
        followed(monkeypatch, RUNNING, error, ENDED)


def test_an_aws_that_stays_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EndpointConnectionError):
        followed(monkeypatch, RUNNING, *[EndpointConnectionError(endpoint_url="https://states")] * 1000)
