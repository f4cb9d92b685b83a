"""The score of an audit: the probability that a record is wrong."""

from collections.abc import Sequence

import torch
from torch import Tensor


def probability_wrong(probabilities: Tensor, recorded: Tensor) -> Tensor:
    """That a bin does not hold what is recorded: 1 less the model's probability that it does, float64 (N,).

    Parameters
    ----------
    probabilities
        Calibrated, float32 (N, L).
    recorded
        Positions of the recorded counts among the labels (N,). A count that is no label has no such probability.
    """
    return 1 - probabilities.double().gather(1, recorded[:, None]).squeeze(1)


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
