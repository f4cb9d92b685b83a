"""PoorWeightInitialization."""

import numpy as np

from stocktake.debugging.hook import PERCENTILES
from stocktake.debugging.rules.tensor_rule import TensorRule
from stocktake.debugging.rules.vanishing_gradient import weight_gradients
from stocktake.debugging.saved_tensors import Trial, losses, training_step, training_steps_with

STALLED = 0.001
"""A loss that falls by a smaller share of itself does not fall; as AWS's LossNotDecreasing has it."""


class PoorWeightInitialization(TensorRule):
    """The loss does not fall from the start, and activations or gradients show why.

    That is: over the first steps the variances of the ReLUs' inputs lie far apart between layers, or some gradient is
    nearly the same everywhere. As AWS describes the rule it also looks at how the loss converges. Here such a symptom
    alone is no issue: healthy networks show it too (the variances within a MobileNetV2 trained on ImageNet differ by a
    factor of 98; gradients shrink with the loss).

    Parameters
    ----------
    threshold
        Of the largest variance of a ReLU's input to the smallest; AWS's default.
    distribution_range
        Least difference between the 5th and the 95th percentile of a gradient; AWS's default.
    patience
        The loss falls when the mean of the last `patience` of the first steps is below that of the first `patience`.
        AWS waits for as many steps.
    steps
        How many saved steps from the start are looked at; AWS's default.
    """

    def __init__(
        self,
        trial: Trial,
        threshold: float = 10.0,
        distribution_range: float = 0.001,
        patience: int = 5,
        steps: int = 10,
    ):
        super().__init__(trial)
        self.threshold, self.distribution_range = threshold, distribution_range
        self.patience, self.steps = patience, steps
        self.activations = trial.tensor_names(regex=".*relu_input")
        self.percentiles = {name: f"{PERCENTILES}{name}" for name in weight_gradients(trial)}
        self.losses = losses(trial)
        self.early: list[float] = []
        self.symptom = ""

    def judged_steps(self) -> list[int]:
        saved = training_steps_with(self.base_trial, self.activations)
        steps = [step for step in saved if step in self.losses][: self.steps]
        # A resumed training has its start behind it.
        at_start = bool(steps) and training_step(self.base_trial, steps[0]) == 0
        return steps if at_start and len(steps) >= 2 * self.patience else []

    def invoke_at_step(self, step: int) -> bool:
        self.early.append(self.losses[step])
        self.symptom = self.symptom or self._spread_of_variances(step) or self._flat_gradient(step)
        if not self.symptom or len(self.early) < self.steps:
            return False
        first, last = np.mean(self.early[: self.patience]), np.mean(self.early[-self.patience :])
        if last < (1 - STALLED) * first:
            return False
        self.reason = f"{self.symptom}, and the loss does not fall: {first:.4f}, {self.steps} steps later {last:.4f}."
        return True

    def _spread_of_variances(self, step: int) -> str:
        trial = self.base_trial
        deviations = {name: float(trial.tensor(name).reduction_value(step, "std")) for name in self.activations}
        smallest, largest = min(deviations, key=deviations.__getitem__), max(deviations, key=deviations.__getitem__)
        # Written without a division: the outputs of a dead layer do not vary at all.
        if deviations[largest] ** 2 <= self.threshold * deviations[smallest] ** 2:
            return ""
        return (
            f"In training step {training_step(trial, step)} the variance of {largest} ({deviations[largest] ** 2:.2g}) "
            f"is more than {self.threshold:g} times that of {smallest} ({deviations[smallest] ** 2:.2g})"
        )

    def _flat_gradient(self, step: int) -> str:
        trial = self.base_trial
        for gradient, name in self.percentiles.items():
            low, high = trial.tensor(name).value(step)
            if high - low < self.distribution_range:
                return (
                    f"In training step {training_step(trial, step)} the 5th and 95th percentile of {gradient} are "
                    f"only {high - low:.2g} apart"
                )
        return ""
