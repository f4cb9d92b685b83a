"""The rehearsal's child processes: whatever ends the rehearsal, none of them outlives it."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from rehearsal.aws import processes

_INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Children:
    """A context in which child processes run.

    An interrupt (Ctrl-C, SIGTERM, a closed terminal) raises KeyboardInterrupt in it, though never between a process's
    start and its being known. Leaving the context ends every process with its descendants; a second interrupt
    meanwhile ends them at once. A killed rehearsal takes them along, too: see `rehearsal.aws.processes`.
    """

    grace = 20.0
    """Seconds that the emulated AWS has to end jobs and endpoints in an orderly way."""

    def __init__(self) -> None:
        self._starting = False
        self._interrupted = False

    def __enter__(self) -> Self:
        self._previous = {number: signal.signal(number, self._interrupt) for number in _INTERRUPTS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            processes.stop_all(self.grace)
        except KeyboardInterrupt:
            self._ignore_interrupts()
            processes.stop_all(grace=0)
        if self._interrupted:
            self._ignore_interrupts()  # what is left to do is to say so
        else:
            for number, handler in self._previous.items():
                signal.signal(number, handler)

    def start(self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
        """Start a process in a session of its own, its output appended to `log`."""
        with self._interrupts_put_off():
            return processes.start(argv, cwd=cwd, env=env, log=log)

    @staticmethod
    def stop(process: subprocess.Popen[bytes]) -> None:
        """End one process with its descendants, or what an ended one left behind."""
        processes.stop(process, grace=2.0)

    @staticmethod
    def _ignore_interrupts() -> None:
        for number in _INTERRUPTS:
            signal.signal(number, signal.SIG_IGN)

    @contextmanager
    def _interrupts_put_off(self) -> Iterator[None]:
        self._starting = True
        try:
            yield
        finally:
            self._starting = False
        if self._interrupted:
            raise KeyboardInterrupt

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        self._interrupted = True
        if not self._starting:
            raise KeyboardInterrupt
