"""Deployed functions that are called by commands: not ready yet, silent, failing."""

import io
import json
import time
from collections.abc import Iterator
from typing import Any

import boto3
import click
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from console import functions
from stacks.states.retries import NOT_RUN


class Lambda:
    """A function that answers, or is refused, call by call; the clock goes as far as somebody sleeps."""

    def __init__(self, *answers: Exception | dict[str, Any]) -> None:
        self.answers: Iterator[Exception | dict[str, Any]] = iter(answers)
        self.options: dict[str, Any] = {}
        self.slept = 0.0

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        assert (FunctionName, Payload) == ("estimate", b'{"run": 1}')
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "the function is inactive"}}, "Invoke")


def answered(payload: Any, **more: Any) -> dict[str, Any]:
    return {"Payload": io.BytesIO(json.dumps(payload).encode()), **more}


def call(monkeypatch: pytest.MonkeyPatch, fake: Lambda) -> dict[str, Any]:
    def sleep(seconds: float) -> None:
        fake.slept += seconds

    monkeypatch.setattr(boto3, "client", lambda _service, **options: fake.options.update(options) or fake)
    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(time, "monotonic", lambda: fake.slept)
    return functions.call("estimate", {"run": 1})


@pytest.mark.parametrize("code", ["ResourceNotReadyException", "ENINotReadyException", "TooManyRequestsException"])
def test_one_that_did_not_run_is_called_again_until_it_does(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    # given a function in a VPC that nobody called for weeks
    fake = Lambda(refused(code), refused(code), answered({"usd": 2}))
    # when it is called, then its answer comes, and nothing but the waits was between
    assert call(monkeypatch, fake) == {"usd": 2}
    assert 0 < fake.slept <= 30
    # ... over a connection that stays alive while nothing is said
    assert fake.options["config"].tcp_keepalive


def test_states_of_the_machine_wait_for_the_same() -> None:
    assert set(NOT_RUN) == functions.NOT_RUN


def test_one_that_never_gets_ready_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = Lambda(*[refused("ResourceNotReadyException")] * 100)
    with pytest.raises(ClientError, match="inactive"):
        call(monkeypatch, fake)
    assert 60 <= fake.slept <= 180


def test_what_is_refused_for_good_is_not_called_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ClientError, match="AccessDeniedException"):
        call(monkeypatch, Lambda(refused("AccessDeniedException")))


def test_silence_and_failure_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(click.ClickException, match="said nothing for 15 minutes"):
        call(monkeypatch, Lambda(ReadTimeoutError(endpoint_url="https://lambda")))
    failed = {"errorType": "InvalidInput", "errorMessage": "seed"}
    with pytest.raises(functions.FunctionFailed, match="InvalidInput: seed"):
        call(monkeypatch, Lambda(answered(failed, FunctionError="Unhandled")))
