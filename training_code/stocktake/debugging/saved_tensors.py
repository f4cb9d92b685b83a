"""What a hook saved, read back. Importable only after `make_smdebug_work`."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from smdebug.pytorch import modes
from smdebug.trials import create_trial

Trial: TypeAlias = Any
"""smdebug's view of a folder of saved tensors; `steps()` are global ones, which count training and validation."""


def open_trial(folder: Path) -> Trial | None:
    """The tensors of a finished training, or None when nothing was saved."""
    # Without this file smdebug would wait for it for ever.
    if not any((folder / "collections").rglob("*_collections.json")):
        return None
    trial = create_trial(str(folder))
    # The training is over, but the file that says so is not written in a SageMaker job.
    trial.loaded_all_steps = True
    return trial


def training_step(trial: Trial, step: int) -> int:
    """The number, from 0, that a global step has among the training steps."""
    return int(trial.mode_step(step))


def tensor_names(trial: Trial, collection: str) -> list[str]:
    return list(trial.tensor_names(collection=collection)) if collection in trial.collections() else []


def training_steps_with(trial: Trial, names: list[str]) -> list[int]:
    """Global numbers of the training steps in which any of these tensors was saved."""
    steps = {step for name in names for step in trial.tensor(name).steps()}
    return sorted(step for step in steps if trial.mode(step) == modes.TRAIN)


def losses(trial: Trial) -> dict[int, float]:
    """The mean loss of each saved batch by global step, in training and in validation."""
    found: dict[int, float] = {}
    for name in tensor_names(trial, "losses"):
        tensor = trial.tensor(name)
        found |= {step: float(np.mean(tensor.value(step))) for step in tensor.steps()}
    return dict(sorted(found.items()))


@dataclass(frozen=True)
class EpochLosses:
    """Mean losses up to the end of one validation.

    Attributes
    ----------
    number
        1 for the first validation of the job.
    step
        Global step of the validation's last saved batch.
    training_step
        The last training step with a saved loss.
    train
        Of the training batches since the validation before; None when none was saved.
    validation
        Of the validation's batches.
    """

    number: int
    step: int
    training_step: int
    train: float | None
    validation: float


def epoch_losses(trial: Trial) -> list[EpochLosses]:
    """Losses by epoch: a validation is an unbroken run of validation steps."""
    epochs: list[EpochLosses] = []
    train: list[float] = []
    validation: list[float] = []
    last_training_step = -1
    saved = losses(trial)
    after = dict(pairwise(saved))
    for step in saved:
        if trial.mode(step) == modes.TRAIN:
            train.append(saved[step])
            last_training_step = training_step(trial, step)
            continue
        validation.append(saved[step])
        if step not in after or trial.mode(after[step]) == modes.TRAIN:
            mean_train = float(np.mean(train)) if train else None
            number = len(epochs) + 1
            epochs.append(EpochLosses(number, step, last_training_step, mean_train, float(np.mean(validation))))
            train, validation = [], []
    return epochs
