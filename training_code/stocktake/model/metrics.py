"""How well counts were predicted."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from stocktake.model.counts import chosen_positions, expected_counts


def counting_metrics(
    probabilities: Tensor, counts: Sequence[int], labels: Sequence[int], one_off_worth: float = 0.0
) -> dict[str, Any]:
    """Measure predictions against the true counts.

    Parameters
    ----------
    probabilities
        (N, L), one row an image, in the order of `labels`.
    counts
        The N true counts, each among `labels`.
    labels
        The L counts that the model tells apart.
    one_off_worth
        By which it chooses its answers, see `chosen_positions`.

    Returns
    -------
    dict
        `accuracy` with its 95% `interval`, `withinOne` (share that is at most one off), `mae` and `rmse` (items,
        of the expected count), `recall` by label (None without images), `confusion` (rows are true labels),
        `images`, `majorityAccuracy` (of always answering the most frequent count).
    """
    values = torch.tensor(labels, dtype=torch.float64)
    truth = torch.tensor(counts, dtype=torch.float64)
    targets = torch.tensor([list(labels).index(count) for count in counts])
    predicted = chosen_positions(probabilities, labels, one_off_worth)
    error = expected_counts(probabilities, labels) - truth
    confusion = torch.zeros(len(labels), len(labels), dtype=torch.int64)
    confusion.index_put_((targets, predicted), torch.ones_like(targets), accumulate=True)
    images, correct, present = len(counts), int(confusion.trace()), confusion.sum(1)
    return {
        "accuracy": correct / images,
        "interval": wilson_interval(correct, images),
        "withinOne": float(((values[predicted] - truth).abs() <= 1).double().mean()),
        "mae": float(error.abs().mean()),
        "rmse": float(error.square().mean().sqrt()),
        "recall": {
            str(label): int(confusion[i, i]) / int(present[i]) if present[i] else None for i, label in enumerate(labels)
        },
        "confusion": confusion.tolist(),
        "images": images,
        "majorityAccuracy": int(present.max()) / images,
    }


def wilson_interval(successes: int, trials: int, z: float = 1.959964) -> list[float]:
    """Wilson score interval of a proportion (E. B. Wilson, JASA 22, 1927), 95% by default."""
    share = successes / trials
    centre = share + z * z / (2 * trials)
    margin = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return [max(0.0, (centre - margin) / scale), min(1.0, (centre + margin) / scale)]
