"""What an execution would cost, line by line, and the endpoint's month beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from console.views import durations


def tell(estimate: Mapping[str, Any], console: Console) -> None:
    """Print an estimate as the deployed function answers it."""
    table = Table(box=None, pad_edge=False, show_footer=True)
    table.add_column("What", "one execution")
    table.add_column("Instance")
    table.add_column("Time", justify="right")
    table.add_column("USD", usd(estimate["usd"]), justify="right")
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
    console.print(table)
    endpoint = estimate["endpoint"]
    month = f"{endpoint['instances']} x {endpoint['instanceType']}: {usd(endpoint['usdPerMonth'])} USD a month"
    others = [f"{other['instanceType']} {usd(other['usdPerMonth'])}" for other in endpoint["alternatives"]]
    _print(console, f"\n{total(estimate)}")
    _print(console, f"Endpoint, {month}{'; instead: ' + ', '.join(others) if others else ''}.")
    if estimate["assumptions"]:
        _print(console, "\nThis assumes:")
    for assumption in estimate["assumptions"]:
        console.print(Padding(Text(f"- {assumption}"), (0, 0, 0, 2)))


def total(estimate: Mapping[str, Any]) -> str:
    """One sentence: what an execution would cost and who says so."""
    on_demand = f", {usd(estimate['onDemandUsd'])} USD on demand" if estimate["onDemandUsd"] > estimate["usd"] else ""
    return f"It costs about {usd(estimate['usd'])} USD{on_demand} (prices: {estimate['prices']})."


def usd(amount: float) -> str:
    """In dollars and cents; what is less than a cent is told as that."""
    return "<0.01" if 0 < amount < 0.005 else f"{amount:,.2f}"


def _print(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
