"""The score of an audit: the probability that a record is wrong."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

FEWEST = 0.001
"""Of the records are taken for wrong at least: no inventory is without a fault."""
_HALF_CHI_SQUARED = 1.92
"""How much lower a logarithm of a likelihood may be: half of what 95% of a chi-squared with one degree are below."""
_LEAST = 1e-12
"""A probability that is 0 in float32 is not."""


def doubt(probabilities: Tensor, recorded: Tensor) -> Tensor:
    """1 less the model's probability of the recorded count, float64 (N,): what records are ranked by.

    Parameters
    ----------
    probabilities
        Calibrated, float32 (N, L).
    recorded
        Positions of the recorded counts among the labels (N,). A count that is no label has no such probability.
    """
    return 1 - probabilities.double().gather(1, recorded[:, None]).squeeze(1)


class ErrorRate(NamedTuple):
    """The share of records that are wrong, and between which values its likelihood is not much lower (95%)."""

    estimate: float
    low: float
    high: float


def error_rate(doubts: Tensor, labels: int) -> ErrorRate:
    """The most likely share of wrong records among bins that a model of so many labels has not learned from.

    A record is taken for a count that is right or, at this rate, for any of the others. A model that is not calibrated
    biases it: what it is too sure of looks like wrong records.
    """
    rates = torch.linspace(math.log(FEWEST), math.log(0.5), 400, dtype=torch.float64).exp()
    if not len(doubts):
        return ErrorRate(FEWEST, FEWEST, float(rates[-1]))
    right, other = _likelihoods(doubts, labels)
    likelihood = torch.stack([((1 - rate) * right + rate * other).log().sum() for rate in rates])
    near = rates[likelihood >= likelihood.max() - _HALF_CHI_SQUARED]
    return ErrorRate(float(rates[likelihood.argmax()]), float(near[0]), float(near[-1]))


def probability_wrong(doubts: Tensor, rate: float, labels: int) -> Tensor:
    """That a record is wrong, where this share of all records is: Bayes' rule, float64 (N,)."""
    right, other = _likelihoods(doubts, labels)
    return rate * other / ((1 - rate) * right + rate * other)


def _likelihoods(doubts: Tensor, labels: int) -> tuple[Tensor, Tensor]:
    """Of a photo with this record: if the record is right, and if it is any of the other labels."""
    right = (1 - doubts).clamp(min=_LEAST)
    return right, (1 - right) / max(1, labels - 1)


def ranks(scores: Sequence[float]) -> list[int]:
    """1 for the highest score; equal ones share a rank, and the next has as many more as they are."""
    given: dict[float, int] = {}
    for place, score in enumerate(sorted(scores, reverse=True), 1):
        given.setdefault(score, place)
    return [given[score] for score in scores]


def precision_at_top(scores: Tensor, wrong: Tensor, top: int) -> float:
    """The share of wrong records among the `top` highest scores; of equal scores at the edge, their mean share."""
    edge = scores.topk(top).values[-1]
    above, tied = scores > edge, scores == edge
    taken = top - int(above.sum())
    return float(wrong[above].sum() + taken * wrong[tied].double().mean()) / top


def area_under_curve(scores: Tensor, wrong: Tensor) -> float:
    """The probability that a wrong record scores higher than a right one; equal scores count half (the ROC curve's)."""
    of_right, of_wrong = scores[~wrong].sort().values, scores[wrong]
    lower, not_higher = (torch.searchsorted(of_right, of_wrong, right=right) for right in (False, True))
    return float((lower + not_higher).sum()) / 2 / (len(of_right) * len(of_wrong))
