"""The named recipes: everything that a training does beside its hyperparameters."""

from dataclasses import dataclass
from typing import Literal

UNCOUNTED_CLASSES = 3
"""Counts above the highest label that a network which learns from every photo tells apart; the last one is open."""


@dataclass(frozen=True)
class Recipe:
    """What one training does. `bench.recipe` leaves out one ingredient at a time.

    Attributes
    ----------
    average
        Decay of the exponential average of the weights that is validated, kept and served; None keeps the last step's.
    keep
        Weights of the epoch with the best validation accuracy, or of the last one.
    every_count
        Learn from photos with any count, where the job has the channel `uncounted`: classes from 0 to some more than
        the highest label, of which only the labels are served.
    mirrored
        Whether the served model answers with the mean over a photo and its mirror image, computing twice as much.
        Validation measures without.
    one_off_worth
        What an answer that is one off is worth beside a right one when the served model chooses its answer, see
        `chosen_positions`; 0 answers the most probable count, which is what validation measures.
    """

    average: float | None = None
    keep: Literal["best", "last"] = "best"
    every_count: bool = False
    mirrored: bool = False
    one_off_worth: float = 0.0


NOTEBOOK = Recipe()
"""What the notebook project did."""

FINE_TUNING = Recipe(average=0.998, keep="last", every_count=True, mirrored=True, one_off_worth=0.4)
"""For networks whose trunk learns; what it brings there is in docs/training.md."""

RECIPES = {"notebook": NOTEBOOK, "fine-tuning": FINE_TUNING}
