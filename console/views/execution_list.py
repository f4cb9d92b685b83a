"""Executions as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from console.views import durations

_STYLES = {"RUNNING": "bold cyan", "SUCCEEDED": "green", "FAILED": "red", "TIMED_OUT": "red", "ABORTED": "yellow"}


def tell(executions: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Print what is known of each, a row each, in the order given; times are this machine's."""
    if not executions:
        console.print("There are none.")
        return
    table = Table("Name", "Status", "Started", "Took", "Decision", "Accuracy", box=None, pad_edge=False)
    for told in executions:
        accuracy = told["accuracy"]
        table.add_row(
            Text(told["name"], overflow="fold"),
            Text(told["status"], _STYLES.get(told["status"], "")),
            f"{told['started'].astimezone():%Y-%m-%d %H:%M}",
            durations.told(told["seconds"]),
            Text(told["decision"] or told["error"] or ""),
            "" if accuracy is None else f"{accuracy:.3f}",
        )
    console.print(table)
