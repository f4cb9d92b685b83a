"""From a distribution over counts to the count that is answered, and to its mean."""

from collections.abc import Sequence

import torch
from torch import Tensor


def chosen_positions(probabilities: Tensor, labels: Sequence[int], one_off_worth: float = 0.0) -> Tensor:
    """The position of each row's answer among the labels: (N, L) -> (N,).

    It is the answer whose worth is the greatest on average over the row's distribution (Bayes' decision), where the
    right count is worth 1, one that is one off `one_off_worth`, and any other nothing. With 0 it is the most probable
    count.
    """
    counts = torch.tensor(labels)
    apart = (counts[:, None] - counts).abs()
    worth = (apart == 0).double() + one_off_worth * (apart == 1)
    return (probabilities.double() @ worth).argmax(1)


def expected_counts(probabilities: Tensor, labels: Sequence[int]) -> Tensor:
    """The mean of each row's distribution: (N, L) -> (N,), float64."""
    return probabilities.double() @ torch.tensor(labels, dtype=torch.float64)
