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
    schedule
        Of the learning rate, see `schedule.rate`.
    warm_up
        Share of all steps in which a cosine's rate rises to its peak.
    weight_decay
        Of AdamW; `decays_everything` or, as is usual for fine-tuning, only matrices: no norms and no biases.
    trunk_rate
        The trunk's learning rate as a multiple of the head's, which is the hyperparameter `lr`.
    clip
        Gradients are scaled down to this norm; None leaves them.
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
    """

    schedule: Literal["constant", "cosine"] = "constant"
    warm_up: float = 0.0
    weight_decay: float = 0.01
    decays_everything: bool = True
    trunk_rate: float = 1.0
    clip: float | None = None
    average: float | None = None
    keep: Literal["best", "last"] = "best"
    every_count: bool = False
    mirrored: bool = False


NOTEBOOK = Recipe()
"""What the notebook project did."""

FINE_TUNING = Recipe(
    schedule="cosine",
    warm_up=0.15,
    weight_decay=0.05,
    decays_everything=False,
    clip=1.0,
    average=0.998,
    keep="last",
    every_count=True,
    mirrored=True,
)
"""For networks whose trunk learns; what it brings there is in docs/training.md."""

RECIPES = {"notebook": NOTEBOOK, "fine-tuning": FINE_TUNING}
