"""How good an audit with a model would be: records of the test bins are made wrong, and ranked among the others."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from stocktake.audit.score import area_under_curve, doubt, precision_at_top

SHARE = 0.05
"""Of the bins, whose records are made wrong."""
PLANTINGS = 100
"""Draws of which these are."""
TOPS = (0.01, 0.05, 0.10)
"""Shares of the bins that somebody looks at, those with the highest scores first."""
MOVES: dict[str, Callable[[Tensor], Tensor]] = {
    "byOne": lambda items: items == 1,
    "byTwoOrMore": lambda items: items >= 2,
}
"""How many items a record may be off by."""


def audit_quality(rows: Sequence[dict[str, Any]], labels: Sequence[int], seed: int = 0) -> dict[str, Any]:
    """Plant wrong records among test bins, many times, and rank all of them by the probability that they are wrong.

    Records are taken for right, and a planted one is a count among the labels. So labels that are wrong in the dataset
    count as false alarms here.

    Parameters
    ----------
    rows
        With `count` and `probabilities` in the order of `labels`, as predictions.jsonl has them.

    Returns
    -------
    dict
        `plantings`; `planted`, bins of each, and `chance`, their share, which is the precision in random order;
        `perfect`, the best precision possible, by the share that is looked at; and for each of `MOVES`, None where no
        label is so far from another, `precision` by that share and `areaUnderCurve`: the `mean` over the plantings and
        the `interval` that holds 95% of them.
    """
    probabilities = torch.tensor([row["probabilities"] for row in rows])
    truth = torch.tensor([list(labels).index(row["count"]) for row in rows])
    counts = torch.tensor(labels)
    items = (counts[:, None] - counts).abs()
    planted = max(1, round(SHARE * len(rows)))
    tops = {f"{share:.0%}": math.ceil(share * len(rows)) for share in TOPS}
    return {
        "plantings": PLANTINGS,
        "planted": planted,
        "chance": planted / len(rows),
        "perfect": {name: min(1.0, planted / top) for name, top in tops.items()},
        **{name: _measured(probabilities, truth, may_be(items), planted, tops, seed) for name, may_be in MOVES.items()},
    }


def _measured(
    probabilities: Tensor, truth: Tensor, targets: Tensor, planted: int, tops: dict[str, int], seed: int
) -> dict[str, Any] | None:
    """`targets` (L, L): which labels (columns) may stand for which (rows)."""
    movable = targets[truth].any(1).nonzero().squeeze(1)
    if len(movable) < planted or planted == len(truth):
        return None
    generator = torch.Generator().manual_seed(seed)
    figures = []
    for _ in range(PLANTINGS):
        chosen = movable[torch.randperm(len(movable), generator=generator)[:planted]]
        recorded, wrong = truth.clone(), torch.zeros(len(truth), dtype=torch.bool)
        recorded[chosen] = torch.multinomial(targets[truth[chosen]].double(), 1, generator=generator).squeeze(1)
        wrong[chosen] = True
        scores = doubt(probabilities, recorded)
        at_top = (precision_at_top(scores, wrong, top) for top in tops.values())
        figures.append([*at_top, area_under_curve(scores, wrong)])
    drawn = torch.tensor(figures, dtype=torch.float64)
    low, high = torch.quantile(drawn, torch.tensor([0.025, 0.975], dtype=torch.float64), dim=0).tolist()
    *precision, area = (
        {"mean": mean, "interval": [*bounds]} for mean, *bounds in zip(drawn.mean(0).tolist(), low, high, strict=True)
    )
    return {"precision": dict(zip(tops, precision, strict=True)), "areaUnderCurve": area}
