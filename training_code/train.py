"""The training job's entry point: shards or features in, model artifact out.

SageMaker's training toolkit passes hyperparameters as arguments and folders in SM_* variables.
"""

import os
from dataclasses import asdict
from pathlib import Path

import torch

from stocktake.artifact import ModelDescription, save_artifact
from stocktake.debugging import Debugging
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
    OUTPUT_DATA_FOLDER,
    compute_device,
    find_checkpoints,
    open_splits,
    starting_network,
    starting_weights,
    termination_flag,
)
from stocktake.weights import starting_trunk


def main() -> None:
    arguments = HyperparameterParser().parse_args()
    hyperparameters = Hyperparameters.from_arguments(arguments)
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
        checkpoints = find_checkpoints(hyperparameters, splits)
        training.resume(checkpoints)
        with watched(training, arguments.debug_interval, arguments.trace) as debugging:
            training.fit(checkpoints, interrupted)
        if world.leads:
            save(training, splits, weights, world, debugging)


def watched(training: Training, save_interval: int, trace: bool) -> Debugging:
    """Hooks, rules and utilisation, in the one process that prints and saves."""
    leads = training.world.leads
    return Debugging(
        training.network,
        training.loss,
        OUTPUT_DATA_FOLDER / "debug",
        training.device,
        save_interval if leads else 0,
        trace and leads,
        first_step=training.steps_done,
        loss_scale=training.scaler.get_scale,
    )


def save(
    training: Training, splits: dict[str, Split], weights: Weights | None, world: World, debugging: Debugging
) -> None:
    """Write the model artifact and print the metrics of the epoch that it is of."""
    hyperparameters, progress = training.hyperparameters, training.progress
    learned = progress.best_weights
    if isinstance(splits["train"], FeatureDataset):
        # Only the head was there to learn; the model is served with the trunk that the features came from.
        learned = starting_trunk(hyperparameters.architecture, hyperparameters.seed, weights).state_dict() | learned
    verdicts = debugging.evaluate_rules()
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
            "utilisation": debugging.utilisation(),
            "rules": {name: verdict["status"] for name, verdict in verdicts.items()},
            "ruleFindings": {name: verdict["reason"] for name, verdict in verdicts.items() if verdict["reason"]},
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
