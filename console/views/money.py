"""Sums of money as a person reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def usd(amount: float | None) -> str:
    """In dollars and cents; None where a price is not known."""
    if amount is None:
        return "unknown"
    return "<0.01 USD" if 0 < amount < 0.005 else f"{amount:,.2f} USD"


def with_on_demand(cost: Mapping[str, Any]) -> str:
    """A cost's `usd`, and beside it `onDemandUsd` if that is more; of one that is not known, the missing prices."""
    spent, on_demand = cost["usd"], cost.get("onDemandUsd")
    more = spent is not None and on_demand is not None and on_demand > spent
    if spent is None and cost.get("unknown"):
        return f"{usd(spent)}, as no price is known of {' and '.join(cost['unknown'])}"
    return usd(spent) + (f", {usd(on_demand)} on demand" if more else "")
