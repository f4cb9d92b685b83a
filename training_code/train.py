"""The training job's entry point: shards or features in, model artifact out.

SageMaker's training toolkit passes hyperparameters as arguments and folders in SM_* variables.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from stocktake.debugging import DebuggingSession
from stocktake.failures import reported_to
from stocktake.model.artifact import ModelDescription, save_artifact
from stocktake.model.preprocessing import Preprocessing
from stocktake.training.distributed import joined_world
from stocktake.training.hyperparameters import HyperparameterParser, Hyperparameters
from stocktake.training.job import FAILURE_FILE, OUTPUT_DATA_FOLDER, Job, prepare, termination_flag
from stocktake.training.label_noise import LabelNoise, assign_folds, find_label_noise
from stocktake.training.loop import Training


def main() -> None:
    arguments = HyperparameterParser().parse_args()
    hyperparameters = Hyperparameters.from_arguments(arguments)
    interrupted = termination_flag()
    with joined_world() as world:
        job = prepare(hyperparameters, world)
        # Refused before the training, or never.
        folds = assign_folds(job, arguments.label_noise_folds) if arguments.label_noise_folds else None
        if world.is_main:
            print(job.training.describe(), flush=True)
        with watched(job.training, arguments.debug_interval, arguments.trace) as debugging:
            job.training.fit(job.checkpoints, interrupted)
        temperature = job.training.calibrate()
        if world.is_main:
            save(job, debugging, temperature, label_noise(job, folds, interrupted) if folds else None)
            print(job.training.best_line(), flush=True)


def label_noise(job: Job, folds: Sequence[list[int]], interrupted: Callable[[], bool]) -> LabelNoise | None:
    """The list; None where a fold fails, which must not cost the model that is trained."""
    try:
        return find_label_noise(job, folds, interrupted)
    except Exception as error:
        if interrupted():
            raise
        print(f"label noise: not found out: {error}", flush=True)
        return None


def watched(training: Training, save_interval: int, trace: bool) -> DebuggingSession:
    """Hooks, rules and utilisation, in the one process that prints and saves."""
    is_main = training.world.is_main
    return DebuggingSession(
        training.network,
        training.loss,
        OUTPUT_DATA_FOLDER / "debug",
        training.device,
        save_interval if is_main else 0,
        trace and is_main,
        first_step=training.steps_done,
        loss_scale=training.scaler.get_scale,
    )


def save(job: Job, debugging: DebuggingSession, temperature: float, noise: LabelNoise | None) -> None:
    """Write the model artifact, and beside it the list of training bins whose label is probably wrong."""
    training, hyperparameters, progress = job.training, job.training.hyperparameters, job.training.progress
    verdicts = debugging.evaluate_rules(progress.history, training.steps_done)
    description = ModelDescription(
        architecture=hyperparameters.architecture,
        labels=hyperparameters.labels,
        preprocessing=Preprocessing(hyperparameters.image_size),
        training={
            "job": os.environ.get("TRAINING_JOB_NAME"),
            "hyperparameters": asdict(hyperparameters),
            "recipe": asdict(training.recipe),
            "images": {name: split.images_by_count() for name, split in job.splits.items()},
            "history": progress.history,
            "best": progress.best,
            "precision": str(training.network.precision),
            "world": training.world.size,
            "utilisation": debugging.utilisation(),
            "rules": {name: verdict["status"] for name, verdict in verdicts.items()},
            "ruleFindings": {name: verdict["reason"] for name, verdict in verdicts.items() if verdict["reason"]},
            "labelNoise": noise.summary() if noise else None,
            "torch": torch.__version__,
        },
        mirrored=training.recipe.mirrored,
        temperature=temperature,
        one_off_worth=training.recipe.one_off_worth,
    )
    if noise:
        noise.write(OUTPUT_DATA_FOLDER)
    save_artifact(Path(os.environ["SM_MODEL_DIR"]), job.start.served(progress.best_weights), description)


if __name__ == "__main__":
    with reported_to(FAILURE_FILE):
        main()
