"""A table that is whole wherever it is printed."""

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

_LONGEST = 10_000


def print_whole(table: Table, console: Console) -> None:
    """Print it; where that is no terminal, in lines as long as they need to be: what is copied must not be wrapped."""
    before = console.width
    if not console.is_terminal:
        needed = Measurement.get(console, console.options.update(max_width=_LONGEST), table).maximum
        console.width = max(before, needed)
    try:
        console.print(table)
    finally:
        console.width = before
