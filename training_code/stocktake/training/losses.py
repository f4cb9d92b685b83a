"""What training minimises: counts as mere classes, or as classes that have an order."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

LOSSES = ("cross-entropy", "ordinal")

SHARPNESS = 2.0
"""How fast a label's share falls with its distance from the true count, in 1/items."""


class CountingLoss(nn.Module):
    """Mean loss of a batch: logits (N, L) and positions of the true labels (N,) -> scalar; 0 for an empty batch.

    `ordinal` is the cross-entropy against a soft target, softmax(-sharpness * distance in items), so that being one off
    costs less than being three off (soft ordinal labels: Diaz and Marathe, CVPR 2019). The model stays a classifier
    whose probabilities sum to 1.
    """

    def __init__(self, kind: str, labels: Sequence[int]):
        super().__init__()
        counts = torch.tensor(labels, dtype=torch.float32)
        distances = (counts[:, None] - counts[None, :]).abs()
        soft = torch.softmax(-SHARPNESS * distances, dim=1)
        self.register_buffer("targets", soft if kind == "ordinal" else torch.eye(len(labels)))

    def forward(self, logits: Tensor, positions: Tensor) -> Tensor:
        assert isinstance(self.targets, Tensor)
        total = functional.cross_entropy(logits, self.targets[positions], reduction="sum")
        return total / max(len(positions), 1)
