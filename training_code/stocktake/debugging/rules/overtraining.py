"""Overtraining."""

import math

from stocktake.debugging.rules.tensor_rule import EpochRule
from stocktake.debugging.saved_tensors import EpochLosses, Trial


class Overtraining(EpochRule):
    """Training goes on although the training loss or the validation loss no longer improves.

    Parameters
    ----------
    patience_train, patience_validation
        Validations to wait for a new optimum of that loss; AWS's defaults.
    delta
        By how much a loss must fall to be a new optimum; AWS's default.
    """

    needed_epochs = 2

    def __init__(self, trial: Trial, patience_train: int = 5, patience_validation: int = 10, delta: float = 0.01):
        super().__init__(trial)
        self.losses = {
            "training": _Optimum(patience_train, delta),
            "validation": _Optimum(patience_validation, delta),
        }

    def invoke_at_epoch(self, epoch: EpochLosses) -> bool:
        for name, loss in (("training", epoch.train), ("validation", epoch.validation)):
            optimum = self.losses[name]
            if loss is not None and optimum.waited_in_vain(loss):
                self.reason = (
                    f"Up to epoch {epoch.number} the {name} loss has not improved by {optimum.delta:g} for "
                    f"{optimum.waited} epochs; the best is {optimum.best:.4f}."
                )
                return True
        return False


class _Optimum:
    def __init__(self, patience: int, delta: float):
        self.patience, self.delta = patience, delta
        self.best, self.waited = math.inf, 0

    def waited_in_vain(self, loss: float) -> bool:
        if loss < self.best - self.delta:
            self.best, self.waited = loss, 0
        else:
            self.waited += 1
        return self.waited >= self.patience
