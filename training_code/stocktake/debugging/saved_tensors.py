"""What a hook saved in training steps, read back."""

from pathlib import Path
from typing import Any

import numpy as np

PERCENTILES = "percentiles/"
"""Begins the name under which the 5th and the 95th percentile of a gradient are saved."""


class SavedTensors:
    """Steps are training steps, numbered from 0.

    Parameters
    ----------
    trial
        smdebug's view of a folder of saved tensors.
    """

    def __init__(self, trial: Any):
        from smdebug.pytorch import modes

        self.trial, self.training = trial, modes.TRAIN

    @classmethod
    def read(cls, folder: Path) -> "SavedTensors | None":
        """The tensors of a finished training, or None when nothing was saved. Needs a smdebug that works."""
        from smdebug.trials import create_trial

        # Without this file smdebug would wait for it for ever.
        if not any((folder / "collections").rglob("*_collections.json")):
            return None
        trial = create_trial(str(folder))
        # The training is over, but the file that says so is not written in a SageMaker job.
        trial.loaded_all_steps = True
        return cls(trial)

    def weight_gradients(self) -> list[str]:
        """Names of gradients, without those of biases.

        Before a batch normalisation a bias has no effect and a gradient of zero in any network, as in the linear
        bottlenecks of a MobileNetV2.
        """
        return [name for name in self._collection("gradients") if name.endswith("weight")]

    def relu_inputs(self) -> list[str]:
        return list(self.trial.tensor_names(regex=".*relu_input"))

    def losses(self) -> dict[int, float]:
        """The mean loss of each saved batch, by step."""
        saved = self.by_step(self._collection("losses"))
        return {step: float(np.mean(self.value(names[0], step))) for step, names in saved.items()}

    def by_step(self, names: list[str]) -> dict[int, list[str]]:
        """Which of these tensors each saved step has, in order of steps."""
        saved: dict[int, list[str]] = {}
        for name in names:
            for step in self.steps(name):
                saved.setdefault(step, []).append(name)
        return dict(sorted(saved.items()))

    def steps(self, name: str) -> list[int]:
        return list(self.trial.tensor(name).steps(mode=self.training))

    def value(self, name: str, step: int) -> np.ndarray[Any, Any]:
        value: np.ndarray[Any, Any] = self.trial.tensor(name).value(step, mode=self.training)
        return value

    def reduction(self, name: str, step: int, reduction: str, absolute: bool = False) -> float:
        """`mean` or `std`, for example, of the values or of their absolute values."""
        return float(self.trial.tensor(name).reduction_value(step, reduction, mode=self.training, abs=absolute))

    def _collection(self, name: str) -> list[str]:
        return list(self.trial.tensor_names(collection=name)) if name in self.trial.collections() else []
