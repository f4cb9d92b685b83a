"""The deployed application's data bucket, seen from outside: weights in; report, samples and everything else out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

IN_THE_CLOUD = ("imagenet", "imagenet-v2", "none")


def local_weights(execution_input: dict[str, Any]) -> Path | None:
    """The local file that the input's `weights` names, if it names one."""
    weights = execution_input.get("weights")
    if not isinstance(weights, str) or weights in IN_THE_CLOUD or weights.startswith("s3://"):
        return None
    return Path(weights)


def stage_weights(bucket: str, execution_input: dict[str, Any]) -> dict[str, Any]:
    """The input with a local weights file uploaded and replaced by its S3 URI."""
    file = local_weights(execution_input)
    if file is None:
        return execution_input
    key = f"weights/{file.name}"
    boto3.client("s3").upload_file(str(file), bucket, key)
    return execution_input | {"weights": f"s3://{bucket}/{key}"}


@dataclass(frozen=True)
class Report:
    """The evaluation's files beside the report that the execution's output names."""

    bucket: str
    prefix: str

    @classmethod
    def of(cls, uri: str) -> Report:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return cls(bucket, key.rpartition("/")[0])

    def sample(self) -> tuple[str, bytes, int]:
        """One test photo: id, bytes and true count."""
        s3 = boto3.client("s3")
        text = s3.get_object(Bucket=self.bucket, Key=f"{self.prefix}/predictions.jsonl")["Body"].read()
        counts = {row["id"]: row["count"] for row in map(json.loads, text.splitlines())}
        listed = s3.list_objects_v2(Bucket=self.bucket, Prefix=f"{self.prefix}/samples/")["Contents"]
        key: str = listed[0]["Key"]
        id = Path(key).stem
        return id, s3.get_object(Bucket=self.bucket, Key=key)["Body"].read(), counts[id]


def download_page(bucket: str, file: Path) -> None:
    """The page of the latest execution, of one that failed too; no file where none was written."""
    s3 = boto3.client("s3")
    listed = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="reports/")
    pages = [item for page in listed for item in page.get("Contents", ()) if item["Key"].endswith("/index.html")]
    if pages:
        latest = max(pages, key=lambda item: item["LastModified"])
        s3.download_file(bucket, latest["Key"], str(file))


def export(bucket: str, folder: Path) -> int:
    """Copy every object of a bucket into a folder; return how many there were."""
    s3 = boto3.client("s3")
    copied = 0
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for item in page.get("Contents", ()):
            file = folder / item["Key"]
            file.parent.mkdir(parents=True, exist_ok=True)
            s3.download_file(bucket, item["Key"], str(file))
            copied += 1
    return copied
