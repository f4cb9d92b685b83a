"""Progress as plain lines and as a live table."""

from __future__ import annotations

import io
import time

import pytest
from rich.console import Console

from console.views.progress import Line, Progress


def plain() -> Console:
    return Console(file=io.StringIO(), width=100)


def written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_without_a_terminal_each_news_is_one_line() -> None:
    # given a step that starts, says the same epoch twice, then another, and ends
    console = plain()
    with Progress(console) as progress:
        for notes in ((), ("job  epoch 1",), ("job  epoch 1",), ("job  epoch 2",)):
            progress.show(
                "Execution",
                [
                    Line("Train", "running", time.monotonic(), notes=notes, live_notes=("too often",)),
                    Line("Last", "waiting"),
                ],
            )
        progress.show("Execution", [Line("Train", "done", seconds=2.0, detail="1/1 items"), Line("Last", "skipped")])
    # then every change was told once, and what waits or is skipped not at all
    assert written(console).splitlines() == [
        "Train ...",
        "    job  epoch 1",
        "    job  epoch 2",
        "Train done (2.0 s) 1/1 items",
    ]


def test_a_step_that_raises_is_shown_as_failed() -> None:
    console = plain()
    with Progress(console) as progress, pytest.raises(ValueError, match="no"), progress.step("Setting up", "Deploy"):
        raise ValueError("no")
    assert "Deploy FAILED" in written(console)


def test_the_live_table_shows_marks_times_and_notes() -> None:
    # given a done, a running and a waiting state
    console = plain()
    progress = Progress(console)
    lines = [
        Line("Plan", "done", seconds=1.25),
        Line(
            "Train", "running", time.monotonic(), detail="0/1 items", notes=("job  epoch 3/5",), live_notes=("trial",)
        ),
        Line("Deploy", "waiting"),
    ]
    progress._groups["Execution"] = lines
    # when the table is drawn
    console.print(progress)
    # then each has its mark, and the running one says what it is at
    plan, train, note, live_note, deploy = written(console).splitlines()[-5:]
    assert plan.split() == ["✔", "Plan", "1.2", "s"]
    assert "0/1 items" in train
    assert (note.strip(), live_note.strip()) == ("job  epoch 3/5", "trial")
    assert deploy.split() == ["·", "Deploy"]
