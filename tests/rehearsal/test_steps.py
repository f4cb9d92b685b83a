"""Commands that run side by side, each shown as a step."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from console.views.progress import Progress
from rehearsal.aws import processes
from rehearsal.children import Children
from rehearsal.failures import RehearsalFailed
from rehearsal.steps import Command, Steps

HEADING = "Setting up"
WAIT_FOR_THE_OTHER = """
import pathlib, sys, time
own, other = map(pathlib.Path, sys.argv[1:])
own.touch()
while not other.exists():
    time.sleep(0.01)
"""


@pytest.fixture
def said() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def steps(said: io.StringIO) -> Iterator[Steps]:
    progress, before = Progress(Console(file=said)), set(processes._running)
    with progress.step(HEADING, "The first"):
        pass
    yield Steps(HEADING, progress, Children())
    assert set(processes._running) == before


def command(folder: Path, script: str, *arguments: object) -> Command:
    argv = (sys.executable, "-c", script, *map(str, arguments))
    return Command(argv, folder, dict(os.environ), folder / "log")


def test_steps_run_at_the_same_time_below_those_before(steps: Steps, said: io.StringIO, tmp_path: Path) -> None:
    # given two commands that each wait for the other's start
    here, there = tmp_path / "here", tmp_path / "there"
    one = steps.start("One", command(tmp_path, WAIT_FOR_THE_OTHER, here, there))
    other = steps.start("Other", command(tmp_path, WAIT_FOR_THE_OTHER, there, here))
    # when both are waited for, then both end, and what was done before is still shown
    steps.wait_for(one, other)
    assert [(line.title, line.status) for line in steps.lines()] == [
        ("The first", "done"),
        ("One", "done"),
        ("Other", "done"),
    ]
    assert "One done (" in said.getvalue()


def test_one_that_fails_ends_the_waiting_with_its_last_words(steps: Steps, tmp_path: Path) -> None:
    # given a command that fails beside one that would go on for long
    failing = steps.start("cdk deploy", command(tmp_path, "raise SystemExit('no such stack')"))
    sleeping = steps.start("Draw bins", command(tmp_path / "..", "import time; time.sleep(600)"))
    # when both are waited for, then the failure is told, and nothing goes on
    with pytest.raises(RehearsalFailed, match=r"cdk deploy failed; \S+log ends with\n    no such stack"):
        steps.wait_for(failing, sleeping)
    assert sleeping.process.poll() is not None
