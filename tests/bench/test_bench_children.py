"""A child process that fails or is killed ends its bench with an error, at once."""

import os
import signal
import time

import psutil
import pytest
from bench_process import run_bench, start_bench

from bench.children import ChildFailed, child, run_in_child

SECONDS = 120
"""For a bench to start and to end on a busy machine."""


def fail(message: str) -> None:
    raise ValueError(message)


def be_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def be_killed_while_a_child_waits() -> None:
    with child(os.getpid) as call:
        print(call(), flush=True)
        be_killed()


def test_a_child_answers_from_one_process_of_its_own() -> None:
    with child(os.getpid) as call:
        first, second = call(), call()
    assert first == second != os.getpid()
    assert not psutil.pid_exists(first)


def test_a_child_that_raises_is_an_error_and_shows_its_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ChildFailed, match="ended with exit status 1"):
        run_in_child(fail, "no such bin")
    assert "ValueError: no such bin" in capfd.readouterr().err


def test_a_killed_child_is_an_error() -> None:
    with pytest.raises(ChildFailed, match="was ended by SIGKILL"):
        run_in_child(be_killed)


def test_no_child_outlives_a_killed_bench(capfd: pytest.CaptureFixture[str]) -> None:
    # when
    with pytest.raises(ChildFailed):
        run_in_child(be_killed_while_a_child_waits)
    # then
    waited = int(capfd.readouterr().out)
    until = time.monotonic() + SECONDS
    while psutil.pid_exists(waited) and psutil.Process(waited).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until
        time.sleep(0.01)


def test_data_at_scale_ends_with_the_error_of_its_child() -> None:
    # when Plan finds no bin
    ended = run_bench("data_at_scale", "--ids", "0")
    # then
    assert ended.returncode == 1
    assert "EmptySource: dataset.source: s3://aft-vbi-pds was given; it holds no bin" in ended.stderr


def test_data_at_scale_ends_when_its_child_is_killed() -> None:
    # given
    with start_bench("data_at_scale", "--ids", "50000") as bench:
        try:
            working = spawned_child(bench.pid)
            # when
            working.kill()
            _, errors = bench.communicate(timeout=SECONDS)
        finally:
            bench.kill()
    # then
    assert bench.returncode == 1
    assert "ChildFailed: The child process was ended by SIGKILL." in errors


def spawned_child(parent: int) -> psutil.Process:
    """The first process that runs a function for its parent."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        for process in psutil.Process(parent).children():
            if "--multiprocessing-fork" in process.cmdline():
                return process
        time.sleep(0.01)
    raise AssertionError("no child was started")
