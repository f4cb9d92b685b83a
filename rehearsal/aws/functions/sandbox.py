"""One execution environment of a Lambda function: AWS's own runtime client over the function's unpacked zip."""

from __future__ import annotations

import json
import queue
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from rehearsal.aws import processes
from rehearsal.aws.functions.runtime_api import Answer, Event, RuntimeApi

_INIT_SECONDS = 300
"""How long a function may load; AWS gives 10 s, of a machine that does nothing else."""


@dataclass(frozen=True)
class Function:
    """A version of a function's code and configuration.

    Parameters
    ----------
    code
        The folder of the unpacked zip.
    handler
        ``module.function``.
    environment
        The function's own variables.
    timeout_seconds
        For one invocation, without loading.
    """

    name: str
    arn: str
    region: str
    code: Path
    handler: str
    environment: tuple[tuple[str, str], ...]
    timeout_seconds: int
    memory_mb: int
    log_group: str


@dataclass(frozen=True)
class Invocation:
    """The outcome of an invocation: its JSON payload, whether that is an error, and what was logged."""

    payload: bytes
    is_error: bool
    log: str


class Sandbox:
    """A process that handles one event after another."""

    def __init__(self, function: Function, scratch: Path) -> None:
        self._function = function
        self._api = RuntimeApi()
        self._log = scratch / f"{uuid.uuid4().hex}.log"
        temporary = scratch / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        environment = processes.aws_environment(function.region) | {
            "TMPDIR": str(temporary),
            "TZ": ":UTC",
            "LAMBDA_TASK_ROOT": str(function.code),
            "_HANDLER": function.handler,
            "AWS_EXECUTION_ENV": "AWS_Lambda_python",
            "AWS_LAMBDA_RUNTIME_API": self._api.address,
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
            "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
            "AWS_LAMBDA_LOG_STREAM_NAME": self._log.stem,
            **dict(function.environment),
        }
        command = [sys.executable, "-m", "awslambdaric", function.handler]
        self._process = processes.start(command, cwd=function.code, env=environment, log=self._log)

    @property
    def is_alive(self) -> bool:
        """Whether it can take another event."""
        return self._process.poll() is None

    def invoke(self, payload: bytes) -> Invocation:
        """Handle one event. A function that exits or takes too long ends the sandbox, as in AWS."""
        request_id = str(uuid.uuid4())
        logged = self._log.stat().st_size
        answer = self._wait_until_ready(request_id)
        if answer is None:
            event = Event(request_id, payload, self._function.arn, self._function.timeout_seconds)
            self._api.send(event)
            answer = self._wait_for_answer(request_id, self._function.timeout_seconds) or self._timed_out(request_id)
        with self._log.open("rb") as log:
            log.seek(logged)
            text = log.read().decode(errors="replace")
        return Invocation(answer.payload, answer.is_error, text)

    def close(self) -> None:
        """End the process."""
        processes.stop(self._process, grace=0.5)
        self._api.close()

    def _wait_until_ready(self, request_id: str) -> Answer | None:
        """None when the function is loaded; else the error that loading it ended with."""
        deadline = time.monotonic() + _INIT_SECONDS
        while not self._api.ready.wait(0.02):
            if not self.is_alive:
                return self._wait_for_answer(request_id, 1)
            if time.monotonic() > deadline:
                self.close()
                message = f"RequestId: {request_id} Error: Init timed out after {_INIT_SECONDS} seconds"
                return _error("Sandbox.Timedout", message)
        return None

    def _wait_for_answer(self, request_id: str, seconds: float) -> Answer | None:
        deadline = time.monotonic() + seconds
        while True:
            alive = self.is_alive
            try:
                return self._api.answers.get(timeout=0.02)
            except queue.Empty:
                if not alive:
                    return self._exited(request_id)
                if time.monotonic() > deadline:
                    return None

    def _exited(self, request_id: str) -> Answer:
        code = self._process.returncode
        how = f"exit status {code}" if code >= 0 else f"signal {-code}"
        return _error("Runtime.ExitError", f"RequestId: {request_id} Error: Runtime exited with error: {how}")

    def _timed_out(self, request_id: str) -> Answer:
        self.close()
        seconds = self._function.timeout_seconds
        return _error("Sandbox.Timedout", f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds")


def _error(kind: str, message: str) -> Answer:
    return Answer(json.dumps({"errorType": kind, "errorMessage": message}).encode(), is_error=True)
