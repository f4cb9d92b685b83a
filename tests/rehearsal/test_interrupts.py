"""An interrupted rehearsal leaves no process behind, whenever and however it is ended."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.bins import write_bins
from tests.rehearsal.rehearsal_process import RehearsalProcess, running_rehearsal

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds processes by /proc")


@pytest.fixture
def rehearsal(tmp_path: Path) -> Iterator[RehearsalProcess]:
    write_bins(tmp_path / "bins", count=4, seed=0)
    with running_rehearsal(tmp_path / "output", "--source", str(tmp_path / "bins")) as started:
        yield started


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        ("Start the emulated AWS ...", signal.SIGINT),
        ("cdk bootstrap ...", signal.SIGTERM),
        ("cdk bootstrap ...", signal.SIGKILL),
    ],
)
def test_nothing_is_left(rehearsal: RehearsalProcess, moment: str, number: signal.Signals) -> None:
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


def test_further_interrupts_end_everything_at_once(rehearsal: RehearsalProcess) -> None:
    # given a rehearsal that is deploying
    rehearsal.wait_until_it_says("cdk deploy --all ...")
    # when the user is impatient
    for _ in range(3):
        rehearsal.process.send_signal(signal.SIGINT)
        time.sleep(0.2)
    # then still nothing is left
    rehearsal.wait_until_all_ended()
    assert rehearsal.process.returncode == 130
