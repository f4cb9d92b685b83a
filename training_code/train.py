"""The training job's entry point: shards or features in, model artifact out.

SageMaker's training toolkit passes hyperparameters as arguments and folders in SM_* variables.
"""

import os
from dataclasses import asdict
from pathlib import Path

import torch

from stocktake.artifact import ModelDescription, save_artifact
from stocktake.distributed import World, joined_world
from stocktake.failures import reported_to
from stocktake.features import FeatureDataset
from stocktake.hyperparameters import HyperparameterParser, Hyperparameters
from stocktake.models import Weights
from stocktake.preprocessing import Preprocessing
from stocktake.splits import Split
from stocktake.training import Training, metric_line
from stocktake.training_job import (
    FAILURE_FILE,
    compute_device,
    find_checkpoints,
    open_splits,
    starting_network,
    starting_weights,
    termination_flag,
)
from stocktake.weights import starting_trunk


def main() -> None:
    hyperparameters = Hyperparameters.from_arguments(HyperparameterParser().parse_args())
    interrupted = termination_flag()
    with joined_world() as world:
        device = compute_device()
        splits = open_splits(hyperparameters, world)
        weights = starting_weights(hyperparameters)
        network = starting_network(hyperparameters, weights, splits["train"], device)
        training = Training(network, splits["train"], {"validation": splits["valid"]}, hyperparameters, device, world)
        if world.leads:
            print(
                f"training images={sum(training.share.images)} validation images={len(splits['valid'])} "
                f"{type(splits['train']).__name__} {device.type} {network.precision} processes={world.size}",
                flush=True,
            )
        training.fit(find_checkpoints(hyperparameters, splits), interrupted)
        if world.leads:
            save(training, splits, weights, world)


def save(training: Training, splits: dict[str, Split], weights: Weights | None, world: World) -> None:
    """Write the model artifact and print the metrics of the epoch that it is of."""
    hyperparameters, progress = training.hyperparameters, training.progress
    learned = progress.best_weights
    if isinstance(splits["train"], FeatureDataset):
        # Only the head was there to learn; the model is served with the trunk that the features came from.
        learned = starting_trunk(hyperparameters.architecture, hyperparameters.seed, weights).state_dict() | learned
    description = ModelDescription(
        architecture=hyperparameters.architecture,
        labels=hyperparameters.labels,
        preprocessing=Preprocessing(hyperparameters.image_size),
        training={
            "job": os.environ.get("TRAINING_JOB_NAME"),
            "hyperparameters": asdict(hyperparameters),
            "images": {name: split.images_by_count() for name, split in splits.items()},
            "history": progress.history,
            "best": progress.best,
            "precision": str(training.network.precision),
            "world": world.size,
            "torch": torch.__version__,
        },
    )
    save_artifact(Path(os.environ["SM_MODEL_DIR"]), learned, description)
    kept = {name: value for name, value in progress.best.items() if name == "epoch" or name.startswith("validation:")}
    # The last line that matches becomes the job's final metric: it must be that of the model that is kept.
    print(f"best {metric_line(kept)}", flush=True)


if __name__ == "__main__":
    with reported_to(FAILURE_FILE):
        main()
