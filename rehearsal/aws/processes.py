"""The local processes behind Lambda functions, SageMaker jobs and endpoints.

Each runs in a session of its own, so that it and whatever it started end together. All of them end with the emulator,
even when that is killed: a small guardian process holds their ids and reads a pipe from the emulator.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rehearsal.aws import location

_GUARDIAN = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
groups = set()
for line in sys.stdin:
    (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
for group in groups:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
"""

# Were the emulator killed between a process's start and the guardian's knowing of it, nobody would end that process. So
# it waits for a line before it becomes the program, and ends when there will be none.
_WHEN_KNOWN = 'read -r _ && exec "$@" </dev/null'

_lock = threading.Lock()
_running: dict[int, subprocess.Popen[bytes]] = {}
_guardian: subprocess.Popen[bytes] | None = None
_closed = False


class ShuttingDown(RuntimeError):
    """A process was asked for after :func:`stop_all`."""


def start(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start a process in a new session; its output is appended to ``log``.

    Raises
    ------
    ShuttingDown
        The emulator is stopping.
    """
    with _lock:
        if _closed:
            raise ShuttingDown("The emulated AWS is stopping and starts no further process.")
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            process = subprocess.Popen(
                ["/bin/sh", "-c", _WHEN_KNOWN, "start", *argv],
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _running[process.pid] = process
        _tell_guardian("+", process.pid)
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(b"\n")
        return process


def stop(process: subprocess.Popen[bytes], grace: float = 5.0) -> None:
    """End a process and its group: SIGTERM, and SIGKILL for what is left after ``grace`` seconds.

    Call it for a process that ended by itself, too: it ends what that left behind and forgets its id.
    """
    _stop([process], grace)


def stop_all(grace: float = 5.0) -> None:
    """End every process started here and refuse to start another."""
    global _closed
    with _lock:
        _closed = True
        processes = list(_running.values())
    _stop(processes, grace)


def neutral_environment() -> dict[str, str]:
    """This process's environment without the user's own settings of AWS, moto and Python."""
    foreign = ("AWS_", "MOTO_", "PYTHON", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}


def aws_environment(region: str) -> dict[str, str]:
    """An environment in which AWS clients reach the emulator and nothing of the user's own AWS set-up leaks in."""
    kept = neutral_environment()
    unproxied = ",".join(filter(None, [kept.get("NO_PROXY", kept.get("no_proxy", "")), "localhost", "127.0.0.1"]))
    return kept | {
        "AWS_ENDPOINT_URL": location.current().endpoint_url,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ACCESS_KEY_ID": "rehearsal",
        "AWS_SECRET_ACCESS_KEY": "rehearsal",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": unproxied,
        "no_proxy": unproxied,
        "OMP_NUM_THREADS": threads_for(2),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)]),
    }


def threads_for(processes: int) -> str:
    """How many threads each of so many processes may compute with (a value of OMP_NUM_THREADS)."""
    return str(max(1, (os.cpu_count() or 1) // processes))


def _stop(processes: Iterable[subprocess.Popen[bytes]], grace: float) -> None:
    processes = list(processes)
    for process in processes:
        _signal_group(process, signal.SIGTERM)
    deadline = time.monotonic() + grace
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
        _signal_group(process, signal.SIGKILL)
        process.wait()
        with _lock:
            if _running.pop(process.pid, None) is not None:
                _tell_guardian("-", process.pid)


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    # A new session makes the process's id the group's id; on macOS a group of zombies answers "not permitted".
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _tell_guardian(sign: str, group: int) -> None:
    global _guardian
    if _guardian is None:
        _guardian = subprocess.Popen(
            [sys.executable, "-c", _GUARDIAN], stdin=subprocess.PIPE, start_new_session=True, bufsize=0
        )
    assert _guardian.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        _guardian.stdin.write(f"{sign}{group}\n".encode())
