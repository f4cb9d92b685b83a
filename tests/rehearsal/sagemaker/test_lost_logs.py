"""A log that is deleted under a job or an endpoint ends nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws
from moto.logs.exceptions import ResourceNotFoundException
from moto.logs.models import LogsBackend, logs_backends

from rehearsal.aws.location import ACCOUNT_ID
from rehearsal.aws.sagemaker.cloudwatch_logs import LogStream

GROUP = "/aws/sagemaker/Endpoints/stocktake"


@pytest.fixture
def backend() -> Any:
    """An empty CloudWatch Logs."""
    with mock_aws():
        yield logs_backends[ACCOUNT_ID]["us-east-1"]


def written(backend: LogsBackend) -> list[str]:
    return [event.message for event in backend.groups[GROUP].streams["live/1"].events]


@pytest.mark.parametrize("what", ["group", "stream"])
def test_a_deleted_log_is_made_again(backend: LogsBackend, tmp_path: Path, what: str) -> None:
    # Given a log with a line, When it is deleted and another line is written, Then it is there again with that line.
    source = tmp_path / "log"
    source.write_text("one\n")
    log = LogStream(ACCOUNT_ID, "us-east-1", GROUP, "live/1", source)
    log.pump()
    assert written(backend) == ["one"]
    if what == "group":
        backend.delete_log_group(GROUP)
    else:
        backend.delete_log_stream(GROUP, "live/1")
    source.write_text("one\ntwo\n")
    assert log.pump() == ["two"]
    assert written(backend) == ["two"]


def test_a_line_that_cannot_be_written_is_lost_alone(
    backend: LogsBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a log that takes no lines, Then who writes them goes on, and still reads them.
    source = tmp_path / "log"
    source.write_text("one\n")
    log = LogStream(ACCOUNT_ID, "us-east-1", GROUP, "live/1", source)

    def refuse(*_: Any) -> None:
        raise ResourceNotFoundException("The specified log stream does not exist.")

    monkeypatch.setattr(LogsBackend, "put_log_events", refuse)
    assert log.pump() == ["one"]
