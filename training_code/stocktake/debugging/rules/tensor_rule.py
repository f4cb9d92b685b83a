"""What rules over saved tensors have in common."""

from abc import abstractmethod

from smdebug.rules.rule import Rule

from stocktake.debugging.saved_tensors import EpochLosses, Trial, epoch_losses


class TensorRule(Rule):
    """One of smdebug's rules.

    Attributes
    ----------
    reason
        Once `invoke` has found an issue: a sentence that says where and how much.
    """

    def __init__(self, trial: Trial):
        super().__init__(trial, action_str="")
        self.reason = ""

    @abstractmethod
    def judged_steps(self) -> list[int]:
        """Global steps to be invoked at, in order; empty when too little was saved to judge by."""

    @abstractmethod
    def invoke_at_step(self, step: int) -> bool:
        """Whether there is an issue at this step."""


class EpochRule(TensorRule):
    """A rule over the mean losses of epochs.

    AWS compares losses of single batches and counts its patience in them. The means of a whole validation are used
    here, and patience counts validations: losses of single batches go up and down by more than the thresholds.
    """

    needed_epochs = 1

    def __init__(self, trial: Trial):
        super().__init__(trial)
        self.epochs = {epoch.step: epoch for epoch in epoch_losses(trial)}

    def judged_steps(self) -> list[int]:
        return list(self.epochs) if len(self.epochs) >= self.needed_epochs else []

    def invoke_at_step(self, step: int) -> bool:
        return self.invoke_at_epoch(self.epochs[step])

    @abstractmethod
    def invoke_at_epoch(self, epoch: EpochLosses) -> bool:
        """Whether there is an issue in this epoch; called with each in turn."""
