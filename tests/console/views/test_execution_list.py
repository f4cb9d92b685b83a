"""The list of executions, in a pipe and in a terminal."""

from datetime import UTC, datetime
from io import StringIO

import pytest
from rich.console import Console

from console.views import execution_list

NAME = "nightly-" + "0123456789" * 7 + "ab"
TOLD = {
    "name": NAME,
    "status": "FAILED",
    "started": datetime(2026, 11, 28, 3, 0, tzinfo=UTC),
    "seconds": 4000,
    "decision": None,
    "error": "SageMaker.AmazonSageMakerException",
    "accuracy": None,
}


@pytest.mark.parametrize("terminal", [False, True])
def test_a_row_is_a_line_in_a_pipe_and_nothing_is_cut_in_a_terminal(terminal: bool) -> None:
    file = StringIO()
    console = Console(file=file, width=80, force_terminal=terminal, no_color=True, highlight=False)
    execution_list.tell([TOLD], console)
    text = file.getvalue()
    assert "\u2026" not in text
    if not terminal:
        _heading, row = text.splitlines()
        assert row.split()[:2] == [NAME, "FAILED"]
        assert row.split()[-1] == "SageMaker.AmazonSageMakerException"
    assert console.width == 80
