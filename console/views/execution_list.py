"""Executions as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from console.views import durations
from console.views.tables import print_whole

_STYLES = {"RUNNING": "bold cyan", "SUCCEEDED": "green", "FAILED": "red", "TIMED_OUT": "red", "ABORTED": "yellow"}


def tell(executions: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Print what is known of each, a row each, in the order given; times are this machine's."""
    if not executions:
        console.print("There are none.")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("Name", "Status", "Started", "Took", "Decision", "Accuracy"):
        # What may be long is folded, never cut: it may have to be copied.
        table.add_column(heading, overflow="fold", no_wrap=heading not in ("Name", "Decision"))
    for told in executions:
        accuracy = told["accuracy"]
        table.add_row(
            Text(told["name"]),
            Text(told["status"], _STYLES.get(told["status"], "")),
            f"{told['started'].astimezone():%Y-%m-%d %H:%M}",
            durations.told(told["seconds"]),
            Text(told["decision"] or told["error"] or ""),
            "" if accuracy is None else f"{accuracy:.3f}",
        )
    print_whole(table, console)
