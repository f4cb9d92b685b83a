"""Live photos against the evaluation's: each quantity tested, the p values corrected for their number."""

from collections.abc import Callable, Sequence
from statistics import fmean, median
from typing import Any, NamedTuple

from drift.two_samples import Tested, holm, homogeneity, kolmogorov_smirnov, mann_whitney

FEWEST = 50
"""Photos; of fewer nothing is said."""
LEVEL = 0.001
"""Probability of a false alarm in a look: with a look a day one in about three years."""
SMALLEST = 0.1
"""Distance that matters, on a scale from 0 to 1. Of many photos, chance is ruled out long before a difference is worth
anybody's time."""
_BARS = 12


class Quantity(NamedTuple):
    """What is compared: how it is called, and what it means if it is less or more than it was."""

    name: str
    title: str
    less: str
    more: str
    format: str = ".1f"


_TURNED = "edges run another way: was a camera turned?"
_MOVED = "light falls another way: was a camera or lamp moved?"

QUANTITIES = (
    Quantity("brightness", "Brightness, 0 to 255", "photos are darker", "photos are brighter"),
    Quantity("contrast", "Contrast, 0 to 128", "photos have less contrast", "photos have more contrast"),
    Quantity("sharpness", "Sharpness", "photos are less sharp", "photos are sharper", ".0f"),
    Quantity("direction", "Direction of edges, -1 to 1", _TURNED, _TURNED, ".3f"),
    Quantity("lightFromAbove", "Light from above", _MOVED, _MOVED),
    Quantity("pixels", "Pixels", "photos are smaller", "photos are larger", ",.0f"),
    Quantity("aspect", "Width by height", "photos are narrower", "photos are wider", ".2f"),
    Quantity("count", "Items counted", "fewer items are counted", "more items are counted", ".2f"),
    Quantity("confidence", "Confidence, 0 to 1", "the model is less sure", "the model is surer", ".3f"),
    Quantity("expected", "Expected items", "fewer items are expected", "more items are expected", ".2f"),
)

_TESTS: dict[str, Callable[[list[float], list[float]], Tested]] = {"count": homogeneity, "expected": mann_whitney}
"""Of those that Kolmogorov's and Smirnov's is not the test of. A model that confuses neighbouring counts shows a
shifted mix as a small shift of all that it expects."""

Rows = Sequence[dict[str, float]]


def compare(then: Rows, now: Rows) -> list[dict[str, Any]]:
    """What became of each quantity; `drifted` where it is beyond chance and large enough to matter."""
    tested = {quantity.name: _test(quantity.name, _of(then, quantity), _of(now, quantity)) for quantity in QUANTITIES}
    corrected = holm({name: found.p for name, found in tested.items()})
    return [
        _told(quantity, _of(then, quantity), _of(now, quantity), tested[quantity.name], corrected[quantity.name])
        for quantity in QUANTITIES
    ]


def _test(name: str, then: list[float], now: list[float]) -> Tested:
    return _TESTS.get(name, kolmogorov_smirnov)(then, now)


def _told(quantity: Quantity, then: list[float], now: list[float], found: Tested, p: float) -> dict[str, Any]:
    # A count's median moves in whole items, and may not move where ranks do.
    middle = fmean if quantity.name in _TESTS else median
    before, after = middle(then), middle(now)
    drifted = p < LEVEL and found.distance >= SMALLEST
    if drifted:
        verdict = quantity.less if after < before else quantity.more if after > before else "spread otherwise"
    elif p < LEVEL:
        verdict = "differs, by too little to matter"
    else:
        verdict = "as then"
    return {
        "name": quantity.name,
        "title": quantity.title,
        "then": format(before, quantity.format),
        "now": format(after, quantity.format),
        "distance": round(found.distance, 4),
        "pValue": p,
        "drifted": drifted,
        "verdict": verdict,
        "histogram": histogram(then, now, quantity),
    }


def histogram(then: list[float], now: list[float], quantity: Quantity) -> dict[str, Any]:
    """Shares of both in the same bars, whose ends hold what lies beyond the middle 98%; counts have a bar each."""
    if quantity.name == "count":
        edges: list[float] = sorted({*then, *now})
        labels = [f"{edge:.0f}" for edge in edges]
    else:
        every = sorted([*then, *now])
        low, high = every[len(every) // 100], every[-1 - len(every) // 100]
        edges = [low + (high - low) * bar / _BARS for bar in range(_BARS)] if high > low else [low]
        labels = [format(edge, quantity.format) for edge in edges]
    return {"labels": labels, "then": _shares(then, edges), "now": _shares(now, edges)}


def _shares(values: list[float], edges: list[float]) -> list[float]:
    bars = [0] * len(edges)
    for value in values:
        bars[max(0, sum(edge <= value for edge in edges) - 1)] += 1
    return [round(bar / len(values), 4) for bar in bars]


def _of(rows: Rows, quantity: Quantity) -> list[float]:
    return [row[quantity.name] for row in rows]
