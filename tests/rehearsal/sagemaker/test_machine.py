"""Jobs share the machine's room in the order in which they came."""

from __future__ import annotations

import threading

import pytest

from rehearsal.aws.sagemaker.machine import Machine
from tests.rehearsal.emulator import PATIENCE, Emulator


class Jobs:
    """Jobs that hold their share until they are let go."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._let_go: dict[str, threading.Event] = {}
        self.running: list[str] = []

    def start(self, name: str, share: int) -> None:
        """Start a job and wait until it runs or waits its turn."""
        self._let_go[name], placed = threading.Event(), threading.Event()
        threading.Thread(target=self._run, args=(name, share, placed), daemon=True).start()
        assert placed.wait(PATIENCE)

    def end(self, name: str, then: list[str]) -> None:
        """End a job and wait until those run that have to."""
        self._let_go[name].set()
        Emulator.wait_for(lambda: sorted(self.running), lambda running: running == then)

    def _run(self, name: str, share: int, placed: threading.Event) -> None:
        with self._machine.room_for(share, placed.set, every=0.01):
            self.running.append(name)
            placed.set()
            self._let_go[name].wait(PATIENCE)
            self.running.remove(name)


def test_a_big_job_waits_for_all_room_and_is_not_overtaken() -> None:
    # given room for two, and a big job asked for between small ones
    jobs = Jobs(Machine(2))
    for name, share in (("small", 1), ("big", 2), ("later", 1), ("last", 1)):
        jobs.start(name, share)
    assert jobs.running == ["small"]

    # when the first ends, the big one runs alone; when it ends, both that came later
    jobs.end("small", then=["big"])
    jobs.end("big", then=["last", "later"])


def test_who_gives_up_makes_way() -> None:
    # given a full machine, a big job that gives up waiting, and a job that takes no room
    machine = Machine(2)
    jobs = Jobs(machine)
    jobs.start("small", 1)

    def give_up() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError), machine.room_for(2, give_up, every=0.01):
        pytest.fail("There was no room.")

    # then others have their turn
    jobs.start("later", 1)
    jobs.start("none", 0)
    assert jobs.running == ["small", "later", "none"]
