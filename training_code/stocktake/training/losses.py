"""What training minimises: counts as mere classes or as classes that have an order."""

from collections.abc import Sequence
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from stocktake.training.outputs import Outputs

LOSSES = ("cross-entropy", "ordinal")

SHARPNESS = 2.0
"""How fast a label's share falls with its distance from the true count, in 1/items."""


class CountingLoss(nn.Module):
    """Mean loss of a batch: logits (N, L) and positions of the true labels (N,) -> scalar; 0 for an empty batch.

    `ordinal` is the cross-entropy against a soft target, softmax(-sharpness * distance in items), so that being one off
    costs less than being three off (soft ordinal labels: Diaz and Marathe, CVPR 2019). The model stays a classifier
    whose probabilities sum to 1.
    """

    targets: Tensor

    def __init__(self, kind: str, labels: Sequence[int]):
        super().__init__()
        counts = torch.tensor(labels, dtype=torch.float32)
        distances = (counts[:, None] - counts[None, :]).abs()
        soft = torch.softmax(-SHARPNESS * distances, dim=1)
        self.register_buffer("targets", soft if kind == "ordinal" else torch.eye(len(labels)))

    @property
    def counting(self) -> "CountingLoss":
        """The part that validation measures, on the answers alone."""
        return self

    def answers(self, logits: Tensor) -> Tensor:
        """The logits of the labels (N, L)."""
        return logits

    def forward(self, logits: Tensor, positions: Tensor) -> Tensor:
        total = functional.cross_entropy(logits, self.targets[positions], reduction="sum")
        return total / max(len(positions), 1)

    def totals(self, loss: Tensor, logits: Tensor, positions: Tensor) -> Tensor:
        """Summed loss, right answers and images of one batch: float64 (3,). Sums add up exactly over batches."""
        images = torch.full_like(loss, len(positions), dtype=torch.float64)
        return torch.stack([loss.double() * images, (logits.argmax(1) == positions).sum().double(), images])


class EveryPhotoLoss(nn.Module):
    """As `CountingLoss`, of photos with any count: logits (N, outputs.size) and counts (N,)."""

    label_rows: Tensor
    counts: Tensor

    def __init__(self, kind: str, outputs: Outputs):
        super().__init__()
        self.counting = CountingLoss(kind, outputs.labels)
        self.every_count = CountingLoss(kind, outputs.classes)
        self.register_buffer("label_rows", torch.tensor(outputs.label_rows))
        self.register_buffer("counts", torch.tensor(outputs.classes))

    def answers(self, logits: Tensor) -> Tensor:
        return logits[:, self.label_rows]

    def forward(self, logits: Tensor, counts: Tensor) -> Tensor:
        open_class = counts[:, None].clamp(max=self.counts.max())
        loss: Tensor = self.every_count(logits, (open_class == self.counts).long().argmax(1))
        return loss

    def totals(self, _loss: Tensor, logits: Tensor, counts: Tensor) -> Tensor:
        """As `CountingLoss.totals`, of the photos whose count is a label, and of their answers alone."""
        same = counts[:, None] == self.counts[self.label_rows]
        positions, is_label = same.long().argmax(1), same.any(1)
        answers = self.answers(logits)
        losses = functional.cross_entropy(answers, self.counting.targets[positions], reduction="none")
        right = answers.argmax(1) == positions
        return torch.stack([(values * is_label).sum().double() for values in (losses, right, torch.ones_like(losses))])


Loss: TypeAlias = CountingLoss | EveryPhotoLoss
