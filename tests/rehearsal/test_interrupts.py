"""An interrupted rehearsal leaves no process behind, whenever and however it is ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.bins import write_bins
from tests.rehearsal.emulator import ROOT

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds processes by /proc")

MARK = "REHEARSAL_UNDER_TEST"


class Rehearsal:
    """A rehearsal as a user starts it; its processes are known by a mark that they inherit."""

    def __init__(self, source: Path, output: Path) -> None:
        self._id = uuid.uuid4().hex
        self._output = output
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rehearsal", "run", "--source", str(source)],
            cwd=ROOT,
            env=os.environ | {MARK: self._id},
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
        mark = f"{MARK}={self._id}".encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (folder / "environ").read_bytes():
                    found.append(int(folder.name))
            except OSError:
                continue
        return found

    def wait_until_all_ended(self) -> None:
        self.process.wait(60)
        deadline = time.monotonic() + 30
        while left := self.processes():
            assert time.monotonic() < deadline, [Path(f"/proc/{id}/cmdline").read_bytes() for id in left]
            time.sleep(0.1)


@pytest.fixture
def rehearsal(tmp_path: Path) -> Iterator[Rehearsal]:
    write_bins(tmp_path / "bins", count=4, seed=0)
    started = Rehearsal(tmp_path / "bins", tmp_path / "output")
    yield started
    for id in started.processes():
        os.kill(id, signal.SIGKILL)


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        ("Start the emulated AWS ...", signal.SIGINT),
        ("cdk bootstrap ...", signal.SIGTERM),
        ("cdk bootstrap ...", signal.SIGKILL),
    ],
)
def test_nothing_is_left(rehearsal: Rehearsal, moment: str, number: signal.Signals) -> None:
    # given a rehearsal that is at some moment
    rehearsal.wait_until_it_says(moment)
    # when it is ended
    rehearsal.process.send_signal(number)
    # then all its processes end, and it says so if it can
    rehearsal.wait_until_all_ended()
    if number != signal.SIGKILL:
        assert rehearsal.process.returncode == 130
        assert "Interrupted; nothing is left running." in rehearsal.said
        assert "Traceback" not in rehearsal.said


def test_a_second_interrupt_ends_everything_at_once(rehearsal: Rehearsal) -> None:
    # given a rehearsal that is deploying
    rehearsal.wait_until_it_says("cdk deploy --all ...")
    # when the user is impatient
    for _ in range(3):
        rehearsal.process.send_signal(signal.SIGINT)
        time.sleep(0.2)
    # then still nothing is left
    rehearsal.wait_until_all_ended()
    assert rehearsal.process.returncode == 130
