"""What the entry points of a training job and of a tuning trial share: channels in, a training to run."""

import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from stocktake.data.splits import PhotoSplit, Split, fingerprint, open_split
from stocktake.failures import JobFailure
from stocktake.model.network import Weights
from stocktake.model.preprocessing import Preprocessing
from stocktake.training.checkpoints import Checkpoints
from stocktake.training.device import take, usable_device
from stocktake.training.distributed import World
from stocktake.training.hyperparameters import Hyperparameters
from stocktake.training.loop import Training
from stocktake.training.losses import CountingLoss, EveryPhotoLoss, Loss
from stocktake.training.outputs import Outputs
from stocktake.training.recipe import NOTEBOOK, RECIPES, Recipe
from stocktake.training.starting_point import StartingPoint
from stocktake.training.weights import read_weights

FAILURE_FILE = Path(os.environ.get("SM_OUTPUT_DIR", "/opt/ml/output"), "failure")
OUTPUT_DATA_FOLDER = Path(os.environ.get("SM_OUTPUT_DATA_DIR", "/opt/ml/output/data"))
HELD_OUT = {"valid": "validation", "test": "test"}
"""Channels that are only measured, and what their metrics are called. A trial has `test` when that is its objective."""


def channel(name: str) -> Path | None:
    """The folder of an input channel; None when the job has none of that name."""
    folder = os.environ.get(f"SM_CHANNEL_{name.upper()}")
    return Path(folder) if folder else None


def open_splits(hyperparameters: Hyperparameters, world: World) -> dict[str, Split]:
    """The channels `train`, `valid` and, if there is one, `test`.

    Raises
    ------
    JobFailure
        When one is missing or damaged, or a label has no training image in any process.
    """
    names = ("train", "valid", "test") if channel("test") else ("train", "valid")
    recipe, uncounted = RECIPES[hyperparameters.recipe], channel("uncounted")
    splits = {name: open_training_split(name, channel(name), hyperparameters, recipe, uncounted) for name in names}
    everywhere = world.gather(splits["train"].images_by_count())
    for count in hyperparameters.labels:
        if not any(images[count] for images in everywhere):
            raise JobFailure(
                f"The training split has no image with count {count}, so that label cannot be learned. "
                "Use a larger fraction of the dataset or fewer labels."
            )
    return splits


def open_training_split(
    name: str,
    folder: Path | None,
    hyperparameters: Hyperparameters,
    recipe: Recipe = NOTEBOOK,
    uncounted: Path | None = None,
) -> Split:
    """A channel's images as hyperparameters and recipe want them; `uncounted` may hold more to learn from."""
    learns = name == "train"
    return open_split(
        name,
        folder,
        labels=hyperparameters.labels,
        preprocessing=Preprocessing(hyperparameters.image_size),
        architecture=hyperparameters.architecture,
        trainable=hyperparameters.trainable,
        counts=learns and recipe.every_count,
        uncounted=uncounted if learns and recipe.every_count else None,
    )


@dataclass(frozen=True)
class Job:
    """A training about to start or go on, and what it was made of."""

    training: Training
    splits: dict[str, Split]
    start: StartingPoint
    checkpoints: Checkpoints | None


def prepare(hyperparameters: Hyperparameters, world: World) -> Job:
    """Open the channels, build the network, and take up the run that was interrupted, if one was."""
    device = usable_device()
    take(device)
    splits = open_splits(hyperparameters, world)
    weights = read_weights(channel("weights")) if hyperparameters.weights == "channel" else None
    recipe = RECIPES[hyperparameters.recipe]
    training, start = create_training(hyperparameters, recipe, splits, weights, device, world)
    checkpoints = find_checkpoints(hyperparameters, world.gather(fingerprint(splits["train"])))
    training.resume(checkpoints)
    return Job(training, splits, start, checkpoints)


def create_training(
    hyperparameters: Hyperparameters,
    recipe: Recipe,
    splits: Mapping[str, Split],
    weights: Weights | None,
    device: torch.device,
    world: World | None = None,
) -> tuple[Training, StartingPoint]:
    """A training from its beginning, and what it starts from. `splits` are by the names of their channels."""
    world, train = world or World(), splits["train"]
    outputs = Outputs.of(hyperparameters.labels, recipe)
    start = StartingPoint(hyperparameters, outputs, weights, train.trunk_is_applied)
    loss: Loss = CountingLoss(hyperparameters.loss, hyperparameters.labels)
    if recipe.every_count and isinstance(train, PhotoSplit):
        loss = EveryPhotoLoss(hyperparameters.loss, outputs)
    held_out = {HELD_OUT[name]: split for name, split in splits.items() if name in HELD_OUT}
    training = Training(start.network(device), train, held_out, hyperparameters, recipe, loss, device, world)
    return training, start


def find_checkpoints(hyperparameters: Hyperparameters, images: list[str]) -> Checkpoints | None:
    """The checkpoints of this run, if the job has a checkpoint location.

    Parameters
    ----------
    images
        What tells each process's training images from others. One process writes for all.
    """
    folder = Path(os.environ.get("CHECKPOINT_DIR", "/opt/ml/checkpoints"))
    if not folder.is_dir():
        return None
    return Checkpoints(folder, asdict(hyperparameters) | {"training images": images})


def termination_flag() -> Callable[[], bool]:
    """SIGTERM comes two minutes before a spot instance or an overlong job ends: stop after the current batch."""
    signals: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: signals.append(number))
    return lambda: bool(signals)
