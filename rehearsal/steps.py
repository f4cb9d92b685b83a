"""Commands that run side by side, each shown as a step while it runs."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from console.views.progress import Line, Progress, Status
from rehearsal.children import Children
from rehearsal.failures import RehearsalFailed, last_lines

_SECONDS_BETWEEN_LOOKS = 0.1


@dataclass(frozen=True)
class Command:
    """What to run, in which folder and environment, and the file that takes its output."""

    argv: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str]
    log: Path


class Step:
    """A command that was started, and how far it is."""

    def __init__(self, title: str, command: Command, process: subprocess.Popen[bytes]) -> None:
        self.title, self.command, self.process = title, command, process
        self._started = time.monotonic()
        self._seconds: float | None = None

    @property
    def status(self) -> Status:
        if self.process.poll() is None:
            return "running"
        self._seconds = self._seconds or time.monotonic() - self._started
        return "failed" if self.process.returncode else "done"

    def line(self) -> Line:
        """As it is shown, with its latest line of output."""
        status = self.status
        detail = _last_line(self.command.log) if status == "running" else ""
        return Line(self.title, status, self._started, self._seconds or 0.0, detail)


class Steps:
    """Steps under one heading, below those that it has already."""

    def __init__(self, heading: str, progress: Progress, children: Children) -> None:
        self._heading, self._progress, self._children = heading, progress, children
        self._before = progress.lines(heading)
        self._steps: list[Step] = []

    def start(self, title: str, command: Command) -> Step:
        process = self._children.start(command.argv, cwd=command.folder, env=command.environment, log=command.log)
        step = Step(title, command, process)
        self._steps.append(step)
        self._show()
        return step

    def wait_for(self, *awaited: Step) -> None:
        """Show all steps until the awaited ones are done.

        Raises
        ------
        RehearsalFailed
            One of them failed.
        """
        while any(step.status == "running" for step in awaited) and not _failed(awaited):
            time.sleep(_SECONDS_BETWEEN_LOOKS)
            self._show()
        self._show()
        failed = _failed(awaited)  # before those that still run are ended
        for step in awaited:
            self._children.stop(step.process)
        for step in failed:
            log = step.command.log
            raise RehearsalFailed(f"{step.title} failed; {log} ends with\n{last_lines(log)}")

    def lines(self) -> list[Line]:
        """What is shown under the heading."""
        return [*self._before, *(step.line() for step in self._steps)]

    def _show(self) -> None:
        self._progress.show(self._heading, self.lines())


def _failed(steps: tuple[Step, ...]) -> list[Step]:
    return [step for step in steps if step.status == "failed"]


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else ""
