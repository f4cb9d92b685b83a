"""Plan: validate the input, derive every name, list and sample the source, and cut the sample into batches."""

import json
import os
import time
from collections.abc import Iterator, Sequence
from typing import Any

import storage
from bins import names
from bins.source import Source
from dataset import card, file_list
from dataset.planned import Listing, PlannedDataset, PlannedSource
from dataset.sample import Sample, batches, dataset_id
from errors import EmptySource, NoUsableImages
from run import contract, instances
from run.contract import ExecutionInput, InvalidInput
from run.deployment import check_deployment
from run.features import plan_features
from run.naming import run_name
from run.weights import Weights, find_weights


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """The run: the complete input and every name that later states use (see docs/architecture.md).

    Of an execution that is to serve a package which is there already, only the input.

    Raises:
        InvalidInput, SourceNotFound, SourceAccessDenied, EmptySource, NoUsableImages
    """
    settings = os.environ
    completed = contract.complete(event.get("input"), json.loads(settings["DEFAULTS"]))
    source_buckets = json.loads(settings["SOURCE_BUCKETS"])
    check_deployment(completed, source_buckets, json.loads(settings["MANAGED_DEBUGGER"]))
    name = run_name(event["execution"])
    if completed.release.package:
        return {"name": name, "input": completed.to_json(), "candidates": [None]}
    bucket = settings["DATA_BUCKET"]
    training_type = completed.training_instance_type
    gpu = instances.has_gpu(training_type)
    # Before the source is listed, which takes long.
    weights = [find_weights(completed, architecture, bucket) for architecture in completed.architectures]
    dataset = plan_dataset(completed, bucket, source_buckets)
    return {
        "name": name,
        "input": completed.to_json(),
        "dataset": dataset.to_json(),
        "labels": completed.dataset.labels,
        "candidates": list(candidates(completed, weights, dataset)),
        "jobs": job_names(settings["JOB_PREFIX"], name),
        "trainingInstanceType": training_type,
        "trainingImage": image_for(training_type),
        "featuresImage": image_for(completed.training.instance_type),
        # A process for each GPU of each instance; on one CPU instance there is nothing to launch.
        "distributed": gpu or completed.training.instance_count > 1,
        "report": {"uri": f"s3://{bucket}/reports/{name}", "bucket": bucket, "prefix": f"reports/{name}"},
    }


def candidates(completed: ExecutionInput, weights: list[Weights], dataset: PlannedDataset) -> Iterator[dict[str, Any]]:
    """What there is to train: an architecture, the file that it starts from, and the features if it learns from any."""
    for index, (architecture, start) in enumerate(zip(completed.architectures, weights, strict=True)):
        yield {
            "architecture": architecture,
            "index": index,
            "weights": start.uri,
            "features": plan_features(dataset.bucket, dataset.id, architecture, start)
            if completed.trainable == "head"
            else None,
        }


def image_for(instance_type: str) -> str:
    """The training image that an instance type can use all of."""
    return os.environ["TRAINING_IMAGE_GPU" if instances.has_gpu(instance_type) else "TRAINING_IMAGE_CPU"]


def job_names(prefix: str, run: str) -> dict[str, str]:
    """Beginnings of the names of a run's jobs; the state machine adds what tells attempts apart.

    SageMaker allows a tuning job's name 32 characters, others 63.
    """
    kinds = {"features": "feat", "compare": "comp", "tune": "tune", "train": "train", "evaluate": "eval"}
    return {kind: f"{prefix}-{run}-{short}" for kind, short in kinds.items()}


def plan_dataset(completed: ExecutionInput, bucket: str, source_buckets: Sequence[str]) -> PlannedDataset:
    """Sample the source; unless the dataset exists, write the batches that Catalogue is to read."""
    started = time.monotonic()
    parameters = completed.dataset

    def read(field: str, uri: str | None) -> frozenset[int] | None:
        return file_list.read(field, uri, bucket, source_buckets) if uri else None

    listed, left_out = read("dataset.files", parameters.files), read("dataset.leaveOut", parameters.leave_out)
    source = Source.open(parameters.source)
    sample = Sample(source, parameters.fraction, listed, completed.seed)
    if not sample.bins:
        raise EmptySource(
            f"dataset.source: {parameters.source} was given; it holds no bin; "
            "must hold objects such as metadata/00001.json and bin-images/00001.jpg"
        )
    if not sample.positions:
        raise InvalidInput(
            f"dataset.fraction: {parameters.fraction:g} was given; takes none of the source's {sample.bins} bins, "
            f"which are sampled {names.BLOCK} consecutive ones at a time; must be larger (1 takes all)"
        )
    if not sample.images.keys() & sample.metadata.keys():
        given = f'files: "{parameters.files}"' if parameters.files else f"source: {parameters.source}"
        raise NoUsableImages(
            f"dataset.{given} was given; none of {len(sample.positions)} sampled bins has both "
            f"metadata/<bin>.json and bin-images/<bin>.jpg in {parameters.source}"
        )
    id_ = dataset_id(parameters, completed.seed, sample, left_out)
    prefix = f"datasets/{id_}"
    made = storage.find_json(bucket, f"{prefix}/card.json")
    if made is None:
        storage.write_json(bucket, f"{prefix}/work/batches.json", list(batches(sample)))
        if left_out:
            storage.write_json(bucket, f"{prefix}/work/leave_out.json", [names.name(at) for at in sorted(left_out)])
    return PlannedDataset(
        id=id_,
        uri=f"s3://{bucket}/{prefix}",
        bucket=bucket,
        prefix=prefix,
        ready=made is not None,
        batches=f"{prefix}/work/batches.json",
        shards=f"{prefix}/work/shards.json",
        source=PlannedSource(uri=source.uri, anonymous=source.anonymous),
        parameters=parameters,
        seed=completed.seed,
        listing=Listing(
            bins=sample.bins,
            sampled=len(sample.positions),
            image_bytes=sum(size for _, size in sample.images.values()),
            took=source.took(started),
        ),
        card=card.output(made) if made else None,
    )
