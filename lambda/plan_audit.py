"""Plan audit: validate the input, find the model, list the source, and write the names of the bins in batches."""

import hashlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from typing import Any

import storage
from audits.contract import AuditInput, complete
from audits.models import AuditModel, find_model
from bins import names
from bins.source import CONCURRENCY, Source
from dataset import file_list
from dataset.sample import Sample
from errors import EmptySource
from run.naming import run_name

FORMAT = 2
"""Raise it with every change of what the job counts or writes: audits from before are then begun anew."""
BATCH = 1000
"""Bins of one batch: what an audit that is interrupted counts again at most, on each instance."""


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """The audit: what its states and its job need to know (see docs/audit.md).

    Its id is a hash of all that its result follows from. So the same audit, started again, goes on where it ended.

    Args:
        event: `input`, the audit's; `execution`, which makes its job's name unique; `live`, the package that serves.

    Raises:
        InvalidInput, SourceNotFound, SourceAccessDenied, EmptySource
    """
    settings = os.environ
    bucket, buckets = settings["DATA_BUCKET"], json.loads(settings["SOURCE_BUCKETS"])
    asked = complete(event.get("input"), settings)
    model = find_model(asked.package, event["live"], bucket, asked.dataset.source)
    files = asked.dataset.files
    listed = file_list.read("dataset.files", files, bucket, buckets) if files else None
    source = Source.open(asked.dataset.source)
    sample = Sample(source, None if listed else asked.dataset.fraction, listed, seed=0)
    if not sample.positions:
        raise EmptySource(
            f"dataset: {asked.dataset.model_dump_json(by_alias=True)} was given; it takes none of the "
            f"{sample.bins} bins of the source; must take at least one"
        )
    prefix = f"audits/{audit_id(asked, model, sample)}"
    ready = storage.find_etag(bucket, f"{prefix}/results/summary.json") is not None
    if not ready:
        write_batches(bucket, f"{prefix}/batches", sample)
    return {
        "input": asked.to_json() | {"package": model.package},
        "uri": f"s3://{bucket}/{prefix}",
        "bucket": bucket,
        "prefix": prefix,
        "source": {"uri": source.uri, "anonymous": source.anonymous},
        "model": {
            "packageArn": model.package,
            "artifact": model.artifact,
            "precision": model.precision,
            "bins": model.bins,
            "known": model.known,
        },
        "bins": len(sample.positions),
        "ready": ready,
        "job": f"{settings['JOB_PREFIX']}-{run_name(event['execution'])}-audit",
    }


def audit_id(asked: AuditInput, model: AuditModel, sample: Sample) -> str:
    """A hash of the model, the instance type (which decides the last digits) and the versions of all files read."""
    what = [FORMAT, BATCH, asked.dataset.source, asked.instance_type, *astuple(model)]
    digest = hashlib.blake2b(digest_size=8)
    digest.update(json.dumps(what).encode())
    for position in sample.positions:
        digest.update(repr((position, sample.images.get(position), sample.metadata.get(position))).encode())
    return digest.hexdigest()


def batches(sample: Sample) -> Iterator[list[str]]:
    """The names of the bins, ascending, `BATCH` at a time."""
    for start in range(0, len(sample.positions), BATCH):
        yield [names.name(position) for position in sample.positions[start : start + BATCH]]


def write_batches(bucket: str, prefix: str, sample: Sample) -> None:
    """Write each batch as <number>.json."""
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        written = [
            pool.submit(storage.write_json, bucket, f"{prefix}/{number:05}.json", batch)
            for number, batch in enumerate(batches(sample))
        ]
    for done in written:
        done.result()
