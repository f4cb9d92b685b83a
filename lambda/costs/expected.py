"""The jobs that an execution will run, from its input and the assumptions that are told with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean

from costs.bill import Job
from costs.speed import FEATURES_A_SECOND, MILLISECONDS, TIMES_FORWARD, photos_a_second
from run import instances
from run.contract import ExecutionInput
from run.recipes import PASSES

BINS = 535_000
"""In the Amazon Bin Image Dataset."""
LISTED = 10_441
"""Bins in the well-known file_list.json, for which any list counts."""
SHARE_OF_COUNT = (0.019, 0.076, 0.143, 0.173, 0.151, 0.117, 0.084, 0.065, 0.045, 0.033, 0.023, 0.017, 0.013)
"""Of the bins, by count from 0 on: as 8,500 of the real ones have it."""

START_UP = 180
"""Seconds that are billed of each job besides its work: image and data arrive, results leave."""
SPOT_BILLED = 0.4
"""Of the seconds of a job on spot capacity."""
_MODELS = 2
"""That are evaluated: the new one and the champion."""


@dataclass(frozen=True)
class Photos:
    """Expected in each split; `more` are those of other counts, which only train."""

    train: float
    valid: float
    test: float
    more: float

    @property
    def all(self) -> int:
        """Photos that are packed."""
        return round(self.train + self.valid + self.test + self.more)


def expected_photos(completed: ExecutionInput) -> Photos:
    """Photos of the dataset, if its source is like the Amazon Bin Image Dataset."""
    dataset, split = completed.dataset, completed.dataset.split
    bins = LISTED if dataset.fraction is None else dataset.fraction * BINS
    counted = bins * sum(SHARE_OF_COUNT[dataset.min_count : dataset.max_count + 1])
    more = (bins - counted) * split.train if dataset.uncounted else 0
    return Photos(counted * split.train, counted * split.valid, counted * split.test, more)


def expected_jobs(completed: ExecutionInput, training_type: str, evaluation_type: str) -> Iterator[Job]:
    """The jobs, with training and trials on `training_type`, if neither dataset nor features exist yet."""
    if completed.release.package:
        return
    photos, tuning = expected_photos(completed), completed.tuning
    slowest = max(completed.architectures, key=lambda name: MILLISECONDS[name])
    # Each that looks for wrong labels learns from nearly all photos.
    heads = 1 + (completed.training.label_noise_folds or 0)
    if completed.trainable == "head":
        for architecture in completed.architectures:
            features_type = completed.training.instance_type
            # Training photos are seen with their mirror images.
            passes = 2 * photos.train + photos.valid + photos.test
            seconds = START_UP + passes / _rate(completed, features_type, architecture)
            yield Job(f"Extract features: {architecture}", "processing", features_type, seconds, seconds)
    if len(completed.architectures) > 1:
        for architecture in completed.architectures:
            epochs = heads * completed.hyperparameters.epochs
            seconds = _training_seconds(completed, photos, training_type, architecture, epochs)
            yield _training(completed, f"Compare: {architecture}", training_type, seconds)
    if tuning.enabled:
        seconds = _training_seconds(completed, photos, training_type, slowest, fmean(tuning.ranges.epochs))
        yield _training(completed, "Tune", training_type, tuning.max_jobs * seconds, tuning.max_jobs)
        seconds = _training_seconds(completed, photos, training_type, slowest, heads * fmean(tuning.ranges.epochs))
        yield _training(completed, "Train", training_type, seconds)
    elif len(completed.architectures) == 1:
        epochs = heads * completed.hyperparameters.epochs
        seconds = _training_seconds(completed, photos, training_type, slowest, epochs)
        yield _training(completed, "Train", training_type, seconds)
    passes = _MODELS * PASSES[completed.recipe] * photos.test
    seconds = START_UP + passes / _rate(completed, evaluation_type, slowest)
    yield Job("Evaluate", "processing", evaluation_type, seconds, seconds)


def assumptions(completed: ExecutionInput) -> list[str]:
    """What `expected_jobs` takes for granted, in sentences."""
    if completed.release.package:
        return ["A package that is there is served: no job runs."]
    dataset, tuning = completed.dataset, completed.tuning
    told = [
        f"dataset.files counts as {LISTED:,} bins, as it is not read."
        if dataset.fraction is None
        else f"The source is as large as the Amazon Bin Image Dataset, {BINS:,} bins; the fraction taken is "
        f"{dataset.fraction:g}.",
        f"Counts are as frequent as in 8,500 of its bins: {expected_photos(completed).all:,} photos.",
        "Dataset and features do not exist yet; where they do, less is paid.",
        f"Each job is billed {START_UP} seconds besides its work. Not measured in an account.",
        "Photos a second are measured for CPUs (docs/serving.md) and assumed for GPUs: "
        f"{photos_a_second('ml.g4dn.xlarge', 'resnet50', 224, gpu=True):g} through ResNet-50 on ml.g4dn.xlarge.",
        "No job is tried again or waits for capacity while it is billed. Volumes are not counted.",
    ]
    if completed.training.spot:
        told.append(f"Spot capacity costs {SPOT_BILLED:.0%} of on-demand, and is not interrupted.")
    if tuning.enabled:
        told.append(f"All {tuning.max_jobs} trials run, for the mean of the epochs that they may have.")
    if len(completed.architectures) > 1:
        told.append("The slowest of the architectures goes on.")
    return told


def _training(completed: ExecutionInput, what: str, training_type: str, seconds: float, jobs: int = 1) -> Job:
    spot, count = completed.training.spot, completed.training.instance_count
    return Job(what, "training", training_type, seconds, seconds * (SPOT_BILLED if spot else 1), count, jobs, spot)


def _training_seconds(
    completed: ExecutionInput, photos: Photos, training_type: str, architecture: str, epochs: float
) -> float:
    """Of one job, on all its instances together."""
    if completed.trainable == "head":
        # Several instances would wait for each other longer than they compute.
        return START_UP + epochs * photos.train / FEATURES_A_SECOND
    passes = (photos.train + photos.more) * TIMES_FORWARD[completed.trainable] + photos.valid
    rate = _rate(completed, training_type, architecture) * completed.training.instance_count
    return START_UP + epochs * passes / rate


def _rate(completed: ExecutionInput, instance_type: str, architecture: str) -> float:
    gpu = instances.has_gpu(instance_type)
    return photos_a_second(instance_type, architecture, completed.dataset.image_size, gpu)
