"""Live progress in the terminal: what is done, what runs and for how long; plain lines where it is no terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

Status = Literal["waiting", "running", "done", "failed", "skipped"]

_MARKS = {
    "waiting": Text("·", "dim"),
    "done": Text("✔", "green"),
    "failed": Text("✘", "bold red"),
    "skipped": Text("-", "dim"),
}
_TITLE_WIDTH = 32
_INDENT = " " * 5
_STYLES = {"waiting": "dim", "running": "bold", "done": "", "failed": "red", "skipped": "dim"}


@dataclass(frozen=True)
class Line:
    """One step: a task of the rehearsal or a state of the execution.

    Attributes
    ----------
    started
        `time.monotonic()` of its start; `seconds` counts from there while it runs.
    detail
        What it is at right now, in a few words.
    notes
        Lines underneath, one for each thing that runs inside it.
    live_notes
        More such lines, which change so often that only the live display has them.
    """

    title: str
    status: Status
    started: float = 0.0
    seconds: float = 0.0
    detail: str = ""
    notes: tuple[str, ...] = ()
    live_notes: tuple[str, ...] = ()


class Progress:
    """Groups of lines under headings, shown live, or told as plain lines as they start, end and say something new."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._groups: dict[str, list[Line]] = {}
        self._told: dict[tuple[str, str], Line] = {}
        self._spinner = Spinner("dots", style="cyan")
        self._live = Live(self, console=console, refresh_per_second=8) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def show(self, heading: str, lines: Sequence[Line]) -> None:
        """Put a group of lines in the place of the group that had this heading."""
        self._groups[heading] = list(lines)
        if not self._live:
            for line in lines:
                self._tell(heading, line)

    def lines(self, heading: str) -> list[Line]:
        """The group of lines under a heading, empty at first."""
        return list(self._groups.get(heading, []))

    @contextmanager
    def step(self, heading: str, title: str) -> Iterator[Callable[[str], None]]:
        """Show a step as running while the context lasts; gives a function that says what it is at."""
        before = self.lines(heading)
        started = time.monotonic()
        detail = ""

        def show(status: Status) -> None:
            line = Line(title, status, started, time.monotonic() - started, detail)
            self.show(heading, [*before, line])

        def say(text: str) -> None:
            nonlocal detail
            detail = text
            show("running")

        show("running")
        try:
            yield say
        except BaseException:
            show("failed")
            raise
        show("done")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        rows = list(self._rows(console, options.max_width))
        # The last of all looks stays in the terminal, and is whole.
        if self._live and self._live.is_started:
            rows = _window(rows, options.size.height)
        yield from (row for row, _ in rows)

    def _rows(self, console: Console, width: int) -> Iterator[tuple[Text, bool]]:
        """Each line of the display, and whether it is about what runs."""
        for heading, lines in self._groups.items():
            yield Text(), False
            yield Text(heading, style="bold cyan", no_wrap=True, overflow="ellipsis"), False
            for line in lines:
                running = line.status == "running"
                mark = self._spinner.render(console.get_time()) if running else _MARKS[line.status]
                assert isinstance(mark, Text)  # a spinner without a text of its own
                seconds = time.monotonic() - line.started if running else line.seconds
                row = Text.assemble(
                    mark,
                    ("  " + line.title.ljust(_TITLE_WIDTH), _STYLES[line.status]),
                    (f"{seconds:7.1f} s" if line.status in ("running", "done", "failed") else "", "dim"),
                    ("  " + ("skipped" if line.status == "skipped" else line.detail), "dim"),
                    no_wrap=True,
                    overflow="ellipsis",
                )
                yield row, running
                for note in (*line.notes, *line.live_notes) if running else ():
                    # Whole, on as many rows as it needs: its end is what changes, or what has to be copied.
                    for part in Text(note, "cyan").wrap(console, max(width - len(_INDENT), 1)):
                        yield Text.assemble(_INDENT, part), True

    def _tell(self, heading: str, line: Line) -> None:
        before = self._told.get((heading, line.title), Line(line.title, "waiting"))
        self._told[heading, line.title] = line
        if line.status == "running":
            if before.status != "running":
                self._print(f"{line.title} ...")
            for note in line.notes:
                if note not in before.notes:
                    self._print(f"    {note}")
        elif line.status != before.status and line.status in ("done", "failed"):
            ending = "done" if line.status == "done" else "FAILED"
            self._print(f"{line.title} {ending} ({line.seconds:.1f} s) {line.detail}".rstrip())

    def _print(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


def _window(rows: list[tuple[Text, bool]], height: int) -> list[tuple[Text, bool]]:
    """As many rows as a terminal has, with the last that runs among them and what comes next below."""
    if len(rows) <= height:
        return rows
    running = max((place for place, (_, runs) in enumerate(rows) if runs), default=len(rows) - 1)
    first = min(max(0, running + 3 - height), len(rows) - height)
    above = Text(f"  ... {first + 1} lines above", "dim")
    return [(above, False), *rows[first + 1 : first + height]] if first else rows[:height]
