"""Jobs share the machine's room in the order in which they came."""

from __future__ import annotations

import threading
import time

import pytest

from rehearsal.aws.sagemaker.machine import Machine


class Jobs:
    """Jobs that hold their share until they are let go."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._let_go: dict[str, threading.Event] = {}
        self.running: list[str] = []

    def start(self, name: str, share: int) -> None:
        self._let_go[name] = threading.Event()
        threading.Thread(target=self._run, args=(name, share), daemon=True).start()
        time.sleep(0.05)

    def end(self, name: str) -> None:
        self._let_go[name].set()
        time.sleep(0.2)

    def _run(self, name: str, share: int) -> None:
        with self._machine.room_for(share, lambda: None, every=0.01):
            self.running.append(name)
            self._let_go[name].wait(10)
            self.running.remove(name)


def test_a_big_job_waits_for_all_room_and_is_not_overtaken() -> None:
    # given room for two, and a big job asked for between small ones
    jobs = Jobs(Machine(2))
    for name, share in (("small", 1), ("big", 2), ("later", 1), ("last", 1)):
        jobs.start(name, share)
    assert jobs.running == ["small"]

    # when the first ends, the big one runs alone; when it ends, both that came later
    jobs.end("small")
    assert jobs.running == ["big"]
    jobs.end("big")
    assert sorted(jobs.running) == ["last", "later"]


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
