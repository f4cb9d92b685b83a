"""The training job's entry point: shards in, model artifact out.

SageMaker's training toolkit passes hyperparameters as arguments and folders in SM_* variables.
"""

import os
import signal
from collections.abc import Callable
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

import torch

from stocktake.artifact import ModelDescription, save_artifact
from stocktake.checkpoints import Checkpoints
from stocktake.failures import JobFailure, reported_to
from stocktake.hyperparameters import HyperparameterParser, Hyperparameters
from stocktake.models import Trainee, create_model, load_imagenet, load_weights_file, trainable_parts
from stocktake.preprocessing import Preprocessing
from stocktake.shards import ShardDataset
from stocktake.training import Training, metric_line

FAILURE_FILE = Path(os.environ.get("SM_OUTPUT_DIR", "/opt/ml/output"), "failure")


def main() -> None:
    hyperparameters = Hyperparameters.from_arguments(HyperparameterParser().parse_args())
    interrupted = termination_flag()
    torch.manual_seed(hyperparameters.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    train, valid = load_splits(hyperparameters)
    trainee = load_trainee(hyperparameters, device)
    training = Training(trainee, train, valid, hyperparameters, device)
    print(f"training images={len(train)} validation images={len(valid)} {device.type} {training.precision}")
    training.fit(find_checkpoints(hyperparameters, train), interrupted)

    description = describe(training)
    save_artifact(Path(os.environ["SM_MODEL_DIR"]), training.progress.best_weights, description)
    best = dict(training.progress.best)
    kept = {name: best[name] for name in ("epoch", "validation:accuracy", "validation:loss")}
    # The last line that matches becomes the job's final metric: it must be that of the model that is kept.
    print(f"best {metric_line(kept)}", flush=True)


def load_splits(hyperparameters: Hyperparameters) -> tuple[ShardDataset, ShardDataset]:
    preprocessing = Preprocessing(hyperparameters.image_size)
    train, valid = (
        ShardDataset(split, channel(split), hyperparameters.labels, preprocessing) for split in ("train", "valid")
    )
    for count, images in train.images_by_count().items():
        if not images:
            raise JobFailure(
                f"The training split has no image with count {count}, so that label cannot be learned. "
                "Use a larger fraction of the dataset or fewer labels."
            )
    return train, valid


def load_trainee(hyperparameters: Hyperparameters, device: torch.device) -> Trainee:
    architecture = hyperparameters.architecture
    model = create_model(architecture, len(hyperparameters.labels))
    if hyperparameters.weights == "imagenet":
        load_imagenet(model, architecture)
    elif hyperparameters.weights == "channel":
        load_weights_file(model, architecture, channel("weights"))
    return Trainee(model.to(device), trainable_parts(architecture, hyperparameters.trainable))


def find_checkpoints(hyperparameters: Hyperparameters, train: ShardDataset) -> Checkpoints | None:
    folder = Path(os.environ.get("CHECKPOINT_DIR", "/opt/ml/checkpoints"))
    if not folder.is_dir():
        return None
    images = sha256("\n".join(sample.id for sample in train.samples).encode()).hexdigest()[:12]
    run = asdict(hyperparameters) | {"training images": images}
    return Checkpoints(folder, run)


def describe(training: Training) -> ModelDescription:
    hyperparameters, progress = training.hyperparameters, training.progress
    return ModelDescription(
        architecture=hyperparameters.architecture,
        labels=hyperparameters.labels,
        preprocessing=training.train.preprocessing,
        training={
            "job": os.environ.get("TRAINING_JOB_NAME"),
            "hyperparameters": asdict(hyperparameters),
            "images": {split.split: split.images_by_count() for split in (training.train, training.valid)},
            "history": progress.history,
            "best": progress.best,
            "precision": str(training.precision),
            "torch": torch.__version__,
        },
    )


def channel(name: str) -> Path | None:
    folder = os.environ.get(f"SM_CHANNEL_{name.upper()}")
    return Path(folder) if folder else None


def termination_flag() -> Callable[[], bool]:
    """SIGTERM comes two minutes before a spot instance or an overlong job ends: stop after the current batch."""
    signals: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: signals.append(number))
    return lambda: bool(signals)


if __name__ == "__main__":
    with reported_to(FAILURE_FILE):
        main()
