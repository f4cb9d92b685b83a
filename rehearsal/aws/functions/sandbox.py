"""One execution environment of a Lambda function: AWS's own runtime client over the function's unpacked zip."""

from __future__ import annotations

import json
import queue
import shutil
import signal
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from rehearsal.aws import processes
from rehearsal.aws.functions import limits
from rehearsal.aws.functions.runtime_api import Answer, Event, RuntimeApi

_INIT_SECONDS = 300
"""How long a function may load; AWS gives 10 s, of a machine that does nothing else."""

_LOOK_SECONDS = 0.2


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
    memory_mb, temporary_mb
        MiB that the process may hold in memory, and in its folder for temporary files.
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
    temporary_mb: int = 512


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
        self._peak_memory = 0
        self._next_look = 0.0
        self._log = scratch / f"{uuid.uuid4().hex}.log"
        self._temporary = self._log.with_suffix(".tmp")
        self._temporary.mkdir(parents=True)
        environment = processes.aws_environment(function.region) | {
            "TMPDIR": str(self._temporary),
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
        """Handle one event. A function that exits, or takes too much time, memory or space, ends the sandbox."""
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
        if answer.is_error and not self.is_alive:
            text += self._last_words(request_id, json.loads(answer.payload))
        return Invocation(answer.payload, answer.is_error, text)

    def close(self) -> None:
        """End the process."""
        processes.stop(self._process, grace=0.5)
        self._api.close()
        shutil.rmtree(self._temporary, ignore_errors=True)

    def _wait_until_ready(self, request_id: str) -> Answer | None:
        """None when the function is loaded; else the error that loading it ended with."""
        deadline = time.monotonic() + _INIT_SECONDS
        while not self._api.ready.wait(0.02):
            if not self.is_alive:
                return self._wait_for_answer(request_id, 1)
            if breach := self._breach(request_id):
                return breach
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
                answer = self._api.answers.get(timeout=0.02)
            except queue.Empty:
                answer = None
            if alive and (breach := self._breach(request_id, answered=answer is not None)):
                return breach
            if answer:
                return answer
            if not alive:
                return _exited(request_id, self._process.returncode)
            if time.monotonic() > deadline:
                return None

    def _breach(self, request_id: str, *, answered: bool = False) -> Answer | None:
        """The error of a function that holds more than it may, whose process is ended for it."""
        process, function = self._process.pid, self._function
        self._peak_memory = max(self._peak_memory, limits.peak_memory(process))
        if self._peak_memory > function.memory_mb << 20:
            error = _exited(request_id, -signal.SIGKILL)
        elif self._space_is_due(answered) and limits.used_space(self._temporary, process) > function.temporary_mb << 20:
            # In AWS the function itself would be told so, at the write that is too much.
            error = _error("OSError", limits.OUT_OF_SPACE)
        else:
            return None
        self.close()
        return error

    def _space_is_due(self, answered: bool) -> bool:
        """Whether to look at the temporary files again, which takes a millisecond or two."""
        now = time.monotonic()
        if now < self._next_look and not answered:
            return False
        self._next_look = now + _LOOK_SECONDS
        return True

    def _last_words(self, request_id: str, error: dict[str, str]) -> str:
        used = min(self._peak_memory >> 20, self._function.memory_mb)
        return (
            f"{error['errorMessage']}\n{error['errorType']}\nREPORT RequestId: {request_id}\t"
            f"Memory Size: {self._function.memory_mb} MB\tMax Memory Used: {used} MB\n"
        )

    def _timed_out(self, request_id: str) -> Answer:
        self.close()
        seconds = self._function.timeout_seconds
        return _error("Sandbox.Timedout", f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds")


def _exited(request_id: str, code: int) -> Answer:
    how = f"exit status {code}" if code >= 0 else f"signal: {(signal.strsignal(-code) or str(-code)).lower()}"
    return _error("Runtime.ExitError", f"RequestId: {request_id} Error: Runtime exited with error: {how}")


def _error(kind: str, message: str) -> Answer:
    return Answer(error_document(kind, message), is_error=True)


def error_document(kind: str, message: str) -> bytes:
    """An error as Lambda itself answers it."""
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()
