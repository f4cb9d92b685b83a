"""Progress as plain lines and as a live table."""

from __future__ import annotations

import io
import re
import time
from dataclasses import replace

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


def test_a_terminal_with_few_lines_shows_what_runs_and_at_the_end_everything() -> None:
    # given more states than the terminal has lines, of which the 20th runs
    console = Console(file=io.StringIO(), width=80, height=12, force_terminal=True, color_system=None)
    states = [Line(f"State {n}.", "done" if n < 20 else "running" if n == 20 else "waiting") for n in range(1, 31)]
    states[19] = replace(states[19], started=time.monotonic(), notes=("job  epoch 3/5",))
    with Progress(console) as progress:
        progress.show("Execution", states)
        # when it is drawn
        assert progress._live is not None
        progress._live.refresh()
        drawn = written(console)
        # then the display has room for what runs with its note, for what comes next, and says what it leaves out
        assert {"State 20.", "job  epoch 3/5", "State 21.", "14 lines above"} <= set(
            re.findall(r"State \d+\.|job  epoch 3/5|\d+ lines above", drawn)
        )
        assert "State 12." not in drawn
        assert "State 24." not in drawn
    # and at the end all states are there
    assert all(state.title in written(console)[len(drawn) :] for state in states)


def test_what_is_longer_than_the_terminal_is_wide_goes_on_below() -> None:
    # given an epoch with more figures than fit into a line, and a word that is longer still
    note = "a-job-with-a-name-of-its-own  epoch 3/15  train:loss=1.2 validation:loss=1.1 validation:accuracy=0.41"
    console = Console(file=io.StringIO(), width=60)
    progress = Progress(console)
    progress._groups["Execution"] = [Line("Train", "running", time.monotonic(), notes=(note, "x" * 80))]
    # when
    console.print(progress)
    # then nothing is cut, and all of it is indented
    rows = written(console).splitlines()[3:]
    assert all(row.startswith("     ") and len(row) <= 60 for row in rows)
    text = " ".join(row.strip() for row in rows)
    assert all(word in text for word in note.split())
    assert text.count("x") - note.count("x") == 80


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
