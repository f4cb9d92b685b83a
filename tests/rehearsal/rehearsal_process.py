"""A rehearsal as a user starts it: a process, what it says, and every process that belongs to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.rehearsal.emulator import PATIENCE, ROOT

_MARK = "REHEARSAL_UNDER_TEST"


class RehearsalProcess:
    """`python -m rehearsal run`; its processes are known by a mark in the environment that they inherit."""

    def __init__(self, output: Path, *arguments: str) -> None:
        self._id = uuid.uuid4().hex
        self._output = output
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rehearsal", "run", *arguments],
            cwd=ROOT,
            env=os.environ | {_MARK: self._id},
            stdout=output.open("wb"),
            stderr=subprocess.STDOUT,
        )

    @property
    def said(self) -> str:
        return self._output.read_text()

    def wait_until_it_says(self, text: str) -> None:
        while text not in self.said:
            assert self.process.poll() is None, self.said
            time.sleep(0.05)

    def processes(self) -> list[int]:
        """The ids of its processes that live, itself included."""
        mark = f"{_MARK}={self._id}".encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (folder / "environ").read_bytes():
                    found.append(int(folder.name))
            except OSError:  # it ended meanwhile, or is another user's
                continue
        return found

    def wait_until_all_ended(self) -> None:
        self.process.wait(PATIENCE)
        deadline = time.monotonic() + PATIENCE
        while left := self.processes():
            assert time.monotonic() < deadline, [Path(f"/proc/{id}/cmdline").read_bytes() for id in left]
            time.sleep(0.1)


@contextmanager
def running_rehearsal(output: Path, *arguments: str) -> Iterator[RehearsalProcess]:
    """Start a rehearsal; whatever a test leaves of it is killed."""
    started = RehearsalProcess(output, *arguments)
    try:
        yield started
    finally:
        for id in started.processes():
            os.kill(id, signal.SIGKILL)
