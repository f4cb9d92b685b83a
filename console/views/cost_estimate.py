"""What an execution would cost, line by line, and the endpoint's month beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from console.views import durations
from console.views.money import usd, with_on_demand
from console.views.tables import print_whole


def tell(estimate: Mapping[str, Any], console: Console) -> None:
    """Print an estimate as the deployed function answers it."""
    table = Table(box=None, pad_edge=False, show_footer=True)
    table.add_column("What", "one execution")
    table.add_column("Instance")
    table.add_column("Time", justify="right")
    table.add_column("Cost", usd(estimate["usd"]), justify="right")
    table.add_column()
    for line in estimate["lines"]:
        seconds = line["seconds"]
        table.add_row(
            Text(line["what"]),
            line["instanceType"] or "",
            "" if seconds is None else durations.told(seconds),
            usd(line["usd"]),
            "spot" if line["spot"] else "",
        )
    print_whole(table, console)
    endpoint = estimate["endpoint"]
    month = f"{endpoint['instances']} x {endpoint['instanceType']}: {usd(endpoint['usdPerMonth'])} a month"
    others = [f"{other['instanceType']} {usd(other['usdPerMonth'])}" for other in endpoint["alternatives"]]
    _print(console, f"\n{total(estimate)}")
    _print(console, f"Endpoint, {month}{'; instead: ' + ', '.join(others) if others else ''}.")
    if estimate["assumptions"]:
        _print(console, "\nThis assumes:")
    for assumption in estimate["assumptions"]:
        console.print(Padding(Text(f"- {assumption}"), (0, 0, 0, 2)))


def total(estimate: Mapping[str, Any]) -> str:
    """One sentence: what an execution would cost and who says so."""
    cost = "What it costs is not known" if estimate["usd"] is None else f"It costs about {with_on_demand(estimate)}"
    return f"{cost} (prices: {estimate['prices']})."


def _print(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
