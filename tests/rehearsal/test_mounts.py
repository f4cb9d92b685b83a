"""Local folders as buckets of the emulated AWS."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from rehearsal.aws import mounts
from tests.rehearsal.emulator import Emulator, running_emulator


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 1,200 files in two folders."""
    root = tmp_path_factory.mktemp("dataset")
    for name in ("images", "metadata"):
        (root / name).mkdir()
        for number in range(600):
            (root / name / f"{number:05d}").write_text(f"{name} {number}")
    return root


@pytest.fixture(scope="module")
def mounted(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An emulated AWS that serves the folder as the bucket ``public``."""
    with running_emulator(tmp_path_factory.mktemp("aws") / "work", "--mount", f"public={folder}") as emulator:
        yield emulator


def test_every_file_is_an_object_for_everyone(mounted: Emulator) -> None:
    # Given an unsigned client, When it lists a prefix in pages, Then it finds each file with its size.
    s3 = boto3.client(
        "s3", endpoint_url=mounted.endpoint_url, region_name="us-east-1", config=Config(signature_version=UNSIGNED)
    )
    pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket="public", Prefix="images/", MaxKeys=250))
    objects = [found for page in pages for found in page["Contents"]]
    assert [page["KeyCount"] for page in pages] == [250, 250, 100]
    assert [found["Key"] for found in objects] == [f"images/{number:05d}" for number in range(600)]
    assert objects[17]["Size"] == len("images 17")
    # And it reads one, as `aws s3 cp --no-sign-request` does.
    assert s3.head_object(Bucket="public", Key="images/00017")["ContentLength"] == len("images 17")
    assert s3.get_object(Bucket="public", Key="images/00017")["Body"].read() == b"images 17"


def test_objects_are_the_files_bytes(mounted: Emulator) -> None:
    # When objects are read concurrently and in part, Then bytes and ETag are the files'.
    s3 = mounted.client("s3")

    def body(number: int) -> bytes:
        return s3.get_object(Bucket="public", Key=f"metadata/{number:05d}")["Body"].read()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(body, range(100))) == [f"metadata {number}".encode() for number in range(100)]
    part = s3.get_object(Bucket="public", Key="metadata/00007", Range="bytes=0-3")
    assert part["Body"].read() == b"meta"
    assert part["ETag"] == f'"{hashlib.md5(b"metadata 7").hexdigest()}"'


def test_writing_to_the_bucket_leaves_the_file(mounted: Emulator, folder: Path) -> None:
    # When objects are to be overwritten and deleted, Then that is refused, as for any bucket of another account.
    s3 = mounted.client("s3")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket="public", Key="images/00000", Body=b"new")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket="public", Key="images/00001")
    assert (folder / "images" / "00000").read_text() == "images 0"
    assert (folder / "images" / "00001").read_text() == "images 1"


def test_files_may_come_until_the_bucket_is_asked_for_one(tmp_path: Path) -> None:
    # Given a mounted folder into which files are written, When the bucket is first looked at, Then it has them all.
    bucket = mounts.MountedBucket("drawn-later", tmp_path, "us-east-1")
    (tmp_path / "early").write_text("1")
    assert list(bucket.keys) == ["early"]
    # And no others from then on, so that a listing in pages is of one state.
    (tmp_path / "late").write_text("2")
    assert list(bucket.keys) == ["early"]
