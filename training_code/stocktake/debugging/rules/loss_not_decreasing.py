"""LossNotDecreasing."""

import math
from itertools import pairwise

from stocktake.debugging.rules import History


def loss_not_decreasing(
    history: History,
    training_steps: int,
    num_steps: int = 10,
    diff_percent: float = 0.1,
    increase_threshold_percent: float = 5.0,
) -> str | None:
    """The loss stays where it was, or rises by more than noise.

    As AWS's rule does by default, this one looks at the validation loss. A rise of up to
    `increase_threshold_percent` passes.

    Parameters
    ----------
    training_steps
        In all epochs of the history, which have equally many.
    num_steps
        Training steps that lie at least between two losses that are compared; AWS's default.
    diff_percent
        A loss that changes by less is not decreasing; AWS's default.
    increase_threshold_percent
        By how much it may rise; AWS's default.
    """
    if not history:
        return None
    compared = history[:: math.ceil(num_steps * len(history) / training_steps)]
    for before, after in pairwise(compared):
        old, new = before["validation:loss"], after["validation:loss"]
        change = 100 * (new - old) / old
        if abs(change) < diff_percent or change > increase_threshold_percent:
            return (
                f"From epoch {before['epoch']:g} to epoch {after['epoch']:g} the validation loss went from {old:.4f} "
                f"to {new:.4f} ({change:+.2g}%)."
            )
    return "" if len(compared) > 1 else None
