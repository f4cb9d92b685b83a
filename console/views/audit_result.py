"""What an audit has found, from its output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from console.views.money import with_on_demand

OUTCOMES = {
    "above": "recorded above the model's counts",
    "below": "recorded below the model's counts",
    "between": "recorded with a count that the model does not know",
    "no-record": "without a record that can be read",
    "no-photo": "without a photo that can be read",
}


def figures_of(output: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the output tells, name by name."""
    return list(_figures(output))


def _figures(output: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    summary = output["summary"]
    outcomes, rate = summary["outcomes"], summary["errorRate"]
    yield "bins", f"{summary['bins']:,}, of which {outcomes.get('scored', 0):,} have a record that the model can judge"
    others = [f"{number:,} {OUTCOMES[name]}" for name, number in outcomes.items() if name in OUTCOMES]
    if others:
        yield "others", ", ".join(others)
    wrong = sum(of["expectedWrong"] for of in summary["byRecorded"].values())
    if rate["bins"]:
        low, high = rate["interval"]
        interval = f"95 % interval {low:.1%} to {high:.1%}"
        yield (
            "probably wrong",
            f"about {wrong:,.0f} records: {rate['estimate']:.1%} of them ({interval}), estimated from "
            f"{rate['bins']:,} bins{' that the model has not learned from' if rate['learnedKnown'] else ''}",
        )
    else:
        yield "probably wrong", "not known: the model has learned from all of these bins"
    yield "model", output["model"]["packageArn"]
    yield "page", output["pageUri"]
    yield "table", output["tableUri"]
    if "usd" in output["cost"]:
        yield "cost", with_on_demand(output["cost"])
