"""Whether a model is right as often as it says, at its temperature and without it."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

BINS = 15
"""Of equal width, as usual since C. Guo et al. (ICML 2017)."""
LEAST = 1e-38
"""A probability that is smaller counts as this: near the least that a float32 tells from 0, whose logarithm is none."""


def calibration(rows: Sequence[dict[str, Any]], labels: Sequence[int], temperature: float) -> dict[str, Any]:
    """Measure the probabilities of the answers to some images.

    Parameters
    ----------
    rows
        With `count` and `probabilities` in the order of `labels`, as predictions.jsonl has them.
    temperature
        At which they were answered.

    Returns
    -------
    dict
        `temperature`, and `expectedError` and `negativeLogLikelihood`, each `before`, at temperature 1, and `after`.
    """
    after = torch.tensor([row["probabilities"] for row in rows], dtype=torch.float64)
    positions = torch.tensor([list(labels).index(row["count"]) for row in rows])
    # What the temperature did is undone by its inverse.
    before = (after.log() * temperature).softmax(1)
    return {
        "temperature": temperature,
        **{
            name: {"before": measure(before, positions), "after": measure(after, positions)}
            for name, measure in (
                ("expectedError", expected_calibration_error),
                ("negativeLogLikelihood", negative_log_likelihood),
            )
        },
    }


def expected_calibration_error(probabilities: Tensor, positions: Tensor) -> float:
    """How far the likeliest label's probability and the share that is right lie apart, on average over the images.

    Images are put into bins by that probability (M. P. Naeini et al., AAAI 2015).
    """
    surest, answers = probabilities.max(1)
    right = (answers == positions).double()
    # A bin holds its upper edge.
    bins = ((surest * BINS).ceil().long() - 1).clamp(0, BINS - 1)
    apart = torch.zeros(BINS, dtype=torch.float64).index_add_(0, bins, surest.double() - right)
    return float(apart.abs().sum() / len(positions))


def negative_log_likelihood(probabilities: Tensor, positions: Tensor) -> float:
    """Mean over the images, in nats."""
    return float(-probabilities.gather(1, positions[:, None]).clamp(min=LEAST).log().mean())
