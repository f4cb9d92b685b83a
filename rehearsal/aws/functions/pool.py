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
from collections.abc import Iterator
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
        outdated = _take_outdated(function)
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


def _take_outdated(current: Function) -> list[Sandbox]:
    """Idle sandboxes that waited long, died, or hold earlier code or configuration of the same function."""
    outdated: list[Sandbox] = []
    for function, sandboxes in _idle.items():
        superseded = function.arn == current.arn and function != current
        kept = []
        for since, sandbox in sandboxes:
            if superseded or not sandbox.is_alive or time.monotonic() - since > _IDLE_SECONDS:
                outdated.append(sandbox)
            else:
                kept.append((since, sandbox))
        sandboxes[:] = kept
    return outdated
