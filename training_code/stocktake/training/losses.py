"""What training minimises: counts as mere classes or as classes that have an order, and what else a bin tells."""

from collections.abc import Sequence
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from stocktake.training.outputs import SKU_CLASSES, Outputs

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
    """As `CountingLoss`, of photos with any count, and of what else is known of their bins.

    Takes logits (N, outputs.size) and facts (N, 4), see `ShardDataset.facts`.

    Parameters
    ----------
    auxiliary
        The weight of what the second head tells; 0 where there is none.
    scale
        Means and standard deviations that the second head tells sizes in, see `size_scale`.
    """

    scale: Tensor
    label_rows: Tensor
    counts: Tensor

    def __init__(self, kind: str, outputs: Outputs, auxiliary: float, scale: Tensor):
        super().__init__()
        self.outputs, self.auxiliary = outputs, auxiliary
        self.counting = CountingLoss(kind, outputs.labels)
        self.every_count = CountingLoss(kind, outputs.classes)
        self.register_buffer("scale", scale)
        self.register_buffer("label_rows", torch.tensor(outputs.label_rows))
        self.register_buffer("counts", torch.tensor(outputs.classes))

    def answers(self, logits: Tensor) -> Tensor:
        return logits[:, self.label_rows]

    def forward(self, logits: Tensor, facts: Tensor) -> Tensor:
        classes = len(self.outputs.classes)
        open_class = facts[:, :1].clamp(max=self.counts.max())
        loss: Tensor = self.every_count(logits[:, :classes], (open_class == self.counts).long().argmax(1))
        return loss + self.auxiliary * self._second_head(logits[:, classes:], facts) if self.auxiliary else loss

    def _second_head(self, told: Tensor, facts: Tensor) -> Tensor:
        """Mean over the images; what is not known of one costs nothing."""
        mean, deviation = self.scale
        sizes = (log_sizes(facts) - mean) / deviation
        known = sizes.isfinite()
        off = functional.smooth_l1_loss(told[:, :-SKU_CLASSES], sizes.where(known, 0.0), reduction="none")
        skus = facts[:, 1].clamp(max=SKU_CLASSES - 1).nan_to_num(-1).long()
        missed = functional.cross_entropy(told[:, -SKU_CLASSES:], skus, ignore_index=-1, reduction="sum")
        total: Tensor = (off * known).sum() / off.shape[1] + 0.5 * missed
        return total / max(len(facts), 1)

    def totals(self, _loss: Tensor, logits: Tensor, facts: Tensor) -> Tensor:
        """As `CountingLoss.totals`, of the photos whose count is a label, and of their answers alone."""
        same = facts[:, :1] == self.counts[self.label_rows]
        positions, is_label = same.long().argmax(1), same.any(1)
        answers = self.answers(logits)
        losses = functional.cross_entropy(answers, self.counting.targets[positions], reduction="none")
        right = answers.argmax(1) == positions
        return torch.stack([(values * is_label).sum().double() for values in (losses, right, torch.ones_like(losses))])


Loss: TypeAlias = CountingLoss | EveryPhotoLoss


def log_sizes(facts: Tensor) -> Tensor:
    """Logarithms of a bin's volume, weight and mean volume of an item, (N, 3); NaN or infinite where not known."""
    counts, _, volume, weight = facts.unbind(1)
    return torch.stack([volume, weight, volume / counts], 1).log()


def size_scale(facts: Tensor) -> Tensor:
    """Means and standard deviations, (2, 3), of the logarithms that are known."""
    columns = [column[column.isfinite()] for column in log_sizes(facts.double()).unbind(1)]
    pairs = [(float(known.mean()), float(known.std())) if len(known) > 1 else (0.0, 1.0) for known in columns]
    return torch.tensor([[mean for mean, _ in pairs], [deviation or 1.0 for _, deviation in pairs]])
