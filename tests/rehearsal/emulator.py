"""An emulated AWS for tests: the real server process and clients for it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from rehearsal.aws import location

ROOT = Path(__file__).resolve().parents[2]
ROLE = "arn:aws:iam::123456789012:role/test"
"""A role that every service may assume and that may do everything."""
PATIENCE = 600.0
"""Seconds after which a test no longer waits. Only a fault costs them, so they suit the busiest machine."""


@cache
def client(service: str, endpoint_url: str) -> Any:
    """A boto3 client of an emulated AWS, made once: that takes as long as many calls."""
    return boto3.client(
        service,
        endpoint_url=endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="rehearsal",
        aws_secret_access_key="rehearsal",
        config=Config(retries={"max_attempts": 0}, proxies={}),
    )


def hurry(states: Mapping[str, dict[str, Any]]) -> None:
    """Let states look after a second at what takes AWS minutes, and try again as soon; a full account stays full."""
    for state in states.values():
        if state["Type"] == "Wait":
            state["Seconds"] = 1
        for retry in state.get("Retry", ()):
            if "Lambda.TooManyRequestsException" not in retry["ErrorEquals"]:
                retry |= {"IntervalSeconds": 1, "BackoffRate": 1}
        for inner in (*state.get("Branches", ()), state.get("ItemProcessor", {"States": {}})):
            hurry(inner["States"])


@dataclass(frozen=True)
class Emulator:
    """A running emulated AWS."""

    port: int
    work: Path
    process: subprocess.Popen[str]

    @property
    def endpoint_url(self) -> str:
        """The address for clients."""
        return f"http://localhost:{self.port}"

    def client(self, service: str) -> Any:
        """A boto3 client of the emulated AWS."""
        return client(service, self.endpoint_url)

    def execute(
        self, definition: Mapping[str, Any], execution_input: Any = None, wait: float = PATIENCE
    ) -> dict[str, Any]:
        """Run a JSONata state machine once and return DescribeExecution's answer at its end, output parsed."""
        return self.ended(self.start(definition, execution_input), wait)

    def start(self, definition: Mapping[str, Any], execution_input: Any = None) -> str:
        """Start a JSONata state machine; the execution's ARN."""
        states = self.client("stepfunctions")
        machine = states.create_state_machine(
            name=f"test-{uuid.uuid4().hex[:8]}",
            definition=json.dumps({"QueryLanguage": "JSONata", **definition}),
            roleArn=ROLE,
        )
        started = states.start_execution(
            stateMachineArn=machine["stateMachineArn"], input=json.dumps(execution_input or {})
        )
        arn: str = started["executionArn"]
        return arn

    def ended(self, execution: str, wait: float = PATIENCE) -> dict[str, Any]:
        """An execution's end, as `execute` returns it."""
        states = self.client("stepfunctions")
        result: dict[str, Any] = self.wait_for(
            lambda: states.describe_execution(executionArn=execution),
            lambda answer: answer["status"] != "RUNNING",
            wait,
        )
        if "output" in result:
            result["output"] = json.loads(result["output"])
        return result

    @staticmethod
    def wait_for(ask: Any, done: Any, seconds: float = PATIENCE) -> Any:
        """Ask until the answer is done; fail when it is not in time."""
        deadline = time.monotonic() + seconds
        while not done(answer := ask()):
            assert time.monotonic() < deadline, f"not done after {seconds} s: {answer}"
            time.sleep(0.1)
        return answer


@contextmanager
def running_emulator(work: Path, *arguments: str) -> Iterator[Emulator]:
    """Start the emulated AWS; stop it at the end."""
    command = [sys.executable, "-m", "rehearsal.aws", "--work", str(work), *arguments]
    log = work.with_suffix(".log")
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, text=True)
    try:
        port = Emulator.wait_for(
            lambda: location.announced_port(work), lambda port: port is not None or process.poll() is not None
        )
        assert port is not None, f"The emulated AWS did not start:\n{log.read_text()[-2000:]}"
        emulator = Emulator(port, work, process)
        _create_role(emulator)
        yield emulator
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and kill one that does not."""
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()


def _create_role(emulator: Emulator) -> None:
    services = ["cloudformation", "lambda", "sagemaker", "states"]
    trusted = {"Service": [f"{service}.amazonaws.com" for service in services]}
    trust = {"Statement": [{"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}]}
    iam = emulator.client("iam")
    iam.create_role(RoleName="test", AssumeRolePolicyDocument=json.dumps(trust))
    iam.attach_role_policy(RoleName="test", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
