"""What the rows of the head stand for while a network learns, and which of them are served."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from stocktake.model.network import Weights, head_name
from stocktake.training.recipe import UNCOUNTED_CLASSES, Recipe


@dataclass(frozen=True)
class Outputs:
    """The rows of the head.

    Attributes
    ----------
    labels
        The counts that the served model answers.
    classes
        The counts told apart in training; where these are more than the labels, the last one is open.
    """

    labels: tuple[int, ...]
    classes: tuple[int, ...]

    @classmethod
    def of(cls, labels: Sequence[int], recipe: Recipe) -> "Outputs":
        every = range(max(labels) + UNCOUNTED_CLASSES + 1)
        return cls(tuple(labels), tuple(every if recipe.every_count else labels))

    @property
    def size(self) -> int:
        return len(self.classes)

    @property
    def label_rows(self) -> list[int]:
        return [self.classes.index(label) for label in self.labels]

    def served(self, architecture: str, weights: Weights) -> Weights:
        """The weights of the model that answers labels: restricting its answer is to keep their rows of the head."""
        rows = torch.tensor(self.label_rows)
        prefix = f"{head_name(architecture)}."
        return {name: value[rows] if name.startswith(prefix) else value for name, value in weights.items()}
