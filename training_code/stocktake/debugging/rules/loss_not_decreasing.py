"""LossNotDecreasing."""

from stocktake.debugging.rules.tensor_rule import EpochRule
from stocktake.debugging.saved_tensors import EpochLosses, Trial


class LossNotDecreasing(EpochRule):
    """The loss stays where it was, or rises by more than noise.

    As AWS's rule does by default, this one looks at the validation loss. A rise of up to
    `increase_threshold_percent` passes.

    Parameters
    ----------
    num_steps
        Training steps that lie at least between two losses that are compared; AWS's default.
    diff_percent
        A loss that changes by less is not decreasing; AWS's default.
    increase_threshold_percent
        By how much it may rise; AWS's default.
    """

    needed_epochs = 2

    def __init__(
        self, trial: Trial, num_steps: int = 10, diff_percent: float = 0.1, increase_threshold_percent: float = 5.0
    ):
        super().__init__(trial)
        self.num_steps, self.diff_percent = num_steps, diff_percent
        self.increase_threshold_percent = increase_threshold_percent
        self.before: EpochLosses | None = None

    def invoke_at_epoch(self, epoch: EpochLosses) -> bool:
        before = self.before
        if before and epoch.training_step - before.training_step < self.num_steps:
            return False
        self.before = epoch
        if before is None:
            return False
        change = 100 * (epoch.validation - before.validation) / before.validation
        if self.diff_percent <= abs(change) and change <= self.increase_threshold_percent:
            return False
        self.reason = (
            f"From epoch {before.number} to epoch {epoch.number} the validation loss went from {before.validation:.4f} "
            f"to {epoch.validation:.4f} ({change:+.2g}%)."
        )
        return True
