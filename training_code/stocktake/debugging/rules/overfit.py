"""Overfit."""

from stocktake.debugging.rules.tensor_rule import EpochRule
from stocktake.debugging.saved_tensors import EpochLosses, Trial


class Overfit(EpochRule):
    """The validation loss exceeds the training loss by more than a share of it.

    Parameters
    ----------
    patience
        Validations in succession for which the threshold is exceeded before the model counts as overfit; AWS's default.
    ratio_threshold
        Of the difference between mean validation and mean training loss to the latter; AWS's default.
    """

    def __init__(self, trial: Trial, patience: int = 1, ratio_threshold: float = 0.1):
        super().__init__(trial)
        self.patience, self.ratio_threshold = patience, ratio_threshold
        self.exceeded = 0

    def judged_steps(self) -> list[int]:
        return [step for step in super().judged_steps() if self.epochs[step].train is not None]

    def invoke_at_epoch(self, epoch: EpochLosses) -> bool:
        if epoch.train is None:
            return False
        # Written without a division: a training loss can reach zero.
        excess = epoch.validation - epoch.train
        self.exceeded = self.exceeded + 1 if excess > self.ratio_threshold * epoch.train else 0
        if self.exceeded < self.patience:
            return False
        self.reason = (
            f"In epoch {epoch.number} the validation loss is {epoch.validation:.4f}, more than "
            f"{100 * self.ratio_threshold:g}% above the training loss of {epoch.train:.4f}."
        )
        return True
