"""The sandboxes of all functions: warm ones are reused, concurrent invocations get their own."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import threading
import time
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from rehearsal.aws import location
from rehearsal.aws.functions.sandbox import Function, Invocation, Sandbox

_IDLE_SECONDS = 60
_MAX_CONCURRENT = max(4, 2 * (os.cpu_count() or 1))
"""More at once would only slow each other down on one machine; further invocations wait."""

_lock = threading.Lock()
_slots = threading.BoundedSemaphore(_MAX_CONCURRENT)
_idle: dict[Function, list[tuple[float, Sandbox]]] = defaultdict(list)


def invoke(function: Function, payload: bytes) -> Invocation:
    """Handle an event in a warm sandbox, or in a new one."""
    with _slots, _sandbox_for(function) as sandbox:
        return sandbox.invoke(payload)


def keep_closing_idle_sandboxes() -> None:
    """Close sandboxes that wait long, for ever: a training job wants their memory."""
    while True:
        time.sleep(_IDLE_SECONDS / 4)
        close_idle_sandboxes(_IDLE_SECONDS)


def close_idle_sandboxes(seconds: float) -> None:
    """Close the sandboxes that have waited this long."""
    latest = time.monotonic() - seconds
    with _lock:
        idle = _take(lambda _, since: since <= latest)
    for sandbox in idle:
        sandbox.close()


def unpack(archive: bytes) -> Path:
    """The folder of a function's unpacked zip; the same zip is unpacked once."""
    folder = location.current().work / "functions" / hashlib.sha256(archive).hexdigest()[:16]
    with _lock:
        if not folder.is_dir():
            unfinished = folder.with_suffix(".part")
            with zipfile.ZipFile(io.BytesIO(archive)) as content:
                content.extractall(unfinished)
            unfinished.rename(folder)
    return folder


@contextlib.contextmanager
def _sandbox_for(function: Function) -> Iterator[Sandbox]:
    with _lock:
        outdated = _take(lambda other, _: other.arn == function.arn and other != function)
        sandbox = _idle[function].pop()[1] if _idle[function] else None
    for old in outdated:
        old.close()
    if sandbox is None:
        sandbox = Sandbox(function, location.current().work / "sandboxes" / function.name)
    try:
        yield sandbox
    finally:
        if sandbox.is_alive:
            with _lock:
                _idle[function].append((time.monotonic(), sandbox))
        else:
            sandbox.close()


def _take(unwanted: Callable[[Function, float], bool]) -> list[Sandbox]:
    """Remove sandboxes from the idle ones, by their function and the time since when they wait, and those that died."""
    taken: list[Sandbox] = []
    for function, waiting in _idle.items():
        kept = []
        for since, sandbox in waiting:
            if unwanted(function, since) or not sandbox.is_alive:
                taken.append(sandbox)
            else:
                kept.append((since, sandbox))
        waiting[:] = kept
    return taken
