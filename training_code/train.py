"""The training job's entry point: shards or features in, model artifact out.

SageMaker's training toolkit passes hyperparameters as arguments and folders in SM_* variables.
"""

import os
from dataclasses import asdict
from pathlib import Path

import torch

from stocktake.artifact import ModelDescription, save_artifact
from stocktake.debugging import Debugging
from stocktake.distributed import joined_world
from stocktake.failures import reported_to
from stocktake.features import FeatureDataset
from stocktake.hyperparameters import HyperparameterParser, Hyperparameters
from stocktake.preprocessing import Preprocessing
from stocktake.training import Training
from stocktake.training_job import FAILURE_FILE, OUTPUT_DATA_FOLDER, Job, prepare, termination_flag
from stocktake.weights import starting_trunk


def main() -> None:
    arguments = HyperparameterParser().parse_args()
    hyperparameters = Hyperparameters.from_arguments(arguments)
    interrupted = termination_flag()
    with joined_world() as world:
        job = prepare(hyperparameters, world)
        if world.leads:
            print(job.training.describe(), flush=True)
        with watched(job.training, arguments.debug_interval, arguments.trace) as debugging:
            job.training.fit(job.checkpoints, interrupted)
        if world.leads:
            save(job, debugging)
            print(job.training.best_line(), flush=True)


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


def save(job: Job, debugging: Debugging) -> None:
    """Write the model artifact."""
    training, hyperparameters, progress = job.training, job.training.hyperparameters, job.training.progress
    learned = progress.best_weights
    if isinstance(job.splits["train"], FeatureDataset):
        # Only the head was there to learn; the model is served with the trunk that the features came from.
        trunk = starting_trunk(hyperparameters.architecture, hyperparameters.seed, job.weights)
        learned = trunk.state_dict() | learned
    verdicts = debugging.evaluate_rules()
    description = ModelDescription(
        architecture=hyperparameters.architecture,
        labels=hyperparameters.labels,
        preprocessing=Preprocessing(hyperparameters.image_size),
        training={
            "job": os.environ.get("TRAINING_JOB_NAME"),
            "hyperparameters": asdict(hyperparameters),
            "images": {name: split.images_by_count() for name, split in job.splits.items()},
            "history": progress.history,
            "best": progress.best,
            "precision": str(training.network.precision),
            "world": training.world.size,
            "utilisation": debugging.utilisation(),
            "rules": {name: verdict["status"] for name, verdict in verdicts.items()},
            "ruleFindings": {name: verdict["reason"] for name, verdict in verdicts.items() if verdict["reason"]},
            "torch": torch.__version__,
        },
    )
    save_artifact(Path(os.environ["SM_MODEL_DIR"]), learned, description)


if __name__ == "__main__":
    with reported_to(FAILURE_FILE):
        main()
