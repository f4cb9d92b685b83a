"""The emulated CloudWatch Logs, where moto answers otherwise than AWS."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.emulator import Emulator


@pytest.fixture
def logs(aws: Emulator) -> Any:
    """A client of CloudWatch Logs."""
    return aws.client("logs")


@pytest.fixture
def group(logs: Any) -> str:
    """A group with two streams of a line each."""
    name = f"group-{uuid.uuid4().hex[:8]}"
    logs.create_log_group(logGroupName=name)
    for stream in ("live/1", "trial/1"):
        logs.create_log_stream(logGroupName=name, logStreamName=stream)
        line = {"timestamp": int(time.time() * 1000), "message": f"of {stream}"}
        logs.put_log_events(logGroupName=name, logStreamName=stream, logEvents=[line])
    return name


@pytest.mark.parametrize(
    ("prefix", "lines"), [("live", ["of live/1"]), ("other", []), (None, ["of live/1", "of trial/1"])]
)
def test_lines_are_filtered_by_the_prefix_of_their_stream(
    logs: Any, group: str, prefix: str | None, lines: list[str]
) -> None:
    # Given two streams, When lines are asked for by a prefix, Then only those of the streams that have it are told.
    options = {} if prefix is None else {"logStreamNamePrefix": prefix}
    events = logs.filter_log_events(logGroupName=group, **options)["events"]
    assert sorted(event["message"] for event in events) == lines


def test_names_and_a_prefix_are_not_asked_for_together(logs: Any, group: str) -> None:
    # Given both ways to choose streams, Then the request is refused.
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.filter_log_events(logGroupName=group, logStreamNamePrefix="live", logStreamNames=["live/1"])


def test_a_stream_that_is_not_there_is_told_from_its_group(logs: Any, group: str) -> None:
    # Given a group without the stream, and no group, Then each error says what is missing.
    with pytest.raises(ClientError, match=r"The specified log stream does not exist\."):
        logs.get_log_events(logGroupName=group, logStreamName="none")
    with pytest.raises(ClientError, match=r"The specified log group does not exist\."):
        logs.get_log_events(logGroupName="none", logStreamName="none")


def test_lines_are_kept_for_as_long_as_aws_can(logs: Any, group: str) -> None:
    # Given a time that AWS has not, Then it is refused, and one that it has is kept.
    with pytest.raises(logs.exceptions.InvalidParameterException, match="Value '31' at 'retentionInDays' failed"):
        logs.put_retention_policy(logGroupName=group, retentionInDays=31)
    logs.put_retention_policy(logGroupName=group, retentionInDays=30)
    (found,) = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert found["retentionInDays"] == 30
