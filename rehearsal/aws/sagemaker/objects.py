"""Copies between S3 and the folders that stand for a job's /opt/ml."""

from __future__ import annotations

import math
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlparse

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from rehearsal.aws import clients
from rehearsal.aws.iam.principals import Principal

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# In parts moto would write everything twice.
_ONE_THREAD = TransferConfig(use_threads=False, multipart_threshold=2**30)


class DownloadFailed(Exception):
    """S3 had no data where a job expected it; the message is SageMaker's reason for the job's failure."""


def client(region: str, principal: Principal) -> S3Client:
    """An S3 client of the emulated AWS that acts in a role."""
    made: S3Client = clients.client("s3", region, principal)
    return made


def split_uri(uri: str) -> tuple[str, str]:
    """``s3://bucket/key`` as (bucket, key)."""
    parts = urlparse(uri)
    if parts.scheme != "s3" or not parts.netloc:
        raise DownloadFailed(f"ClientError: '{uri}' is no S3 address; give one of the form s3://bucket/key.")
    return parts.netloc, parts.path.lstrip("/")


def download(s3: S3Client, uri: str, folder: Path, share: tuple[int, int] = (0, 1), room: float = math.inf) -> None:
    """Copy the objects under an S3 prefix into a folder.

    Parameters
    ----------
    share
        ``(i, n)`` takes every n-th object from the i-th on, as ``ShardedByS3Key`` does for host i of n.
    room
        How many bytes there is room for.

    Raises
    ------
    DownloadFailed
        There is no such bucket, no object under the prefix, or no room.
    """
    bucket, prefix = split_uri(uri)
    sizes = _sizes(s3, bucket, prefix)
    if not sizes:
        raise DownloadFailed(
            f'ClientError: Data download failed:No S3 objects found under S3 URL "{uri}" given in input data '
            f"source. Please ensure that the bucket exists in the selected region ({s3.meta.region_name}), that "
            f"objects exist under that S3 prefix, and that the role has s3:ListBucket permissions on the bucket."
        )
    index, count = share
    keys = list(sizes)[index::count]
    if sum(sizes[key] for key in keys) > room:
        raise DownloadFailed("ClientError: Data download failed:Insufficient disk space")
    folder.mkdir(parents=True, exist_ok=True)
    for key in keys:
        target = folder / (key.removeprefix(prefix).lstrip("/") or Path(key).name)
        target.parent.mkdir(parents=True, exist_ok=True)
        download_object(s3, bucket, key, target)


def download_object(s3: S3Client, bucket: str, key: str, target: Path) -> None:
    """Copy one object to a file. Raises ClientError, which says who lacks which permission."""
    try:
        s3.download_file(bucket, key, str(target), Config=_ONE_THREAD)
    except ClientError as error:
        if error.response["Error"]["Code"] == "403":  # The answer to a HEAD has no words; that to a GET has.
            s3.get_object(Bucket=bucket, Key=key)
        raise


def upload(s3: S3Client, folder: Path, uri: str) -> None:
    """Copy a folder's files to an S3 prefix."""
    FolderSync(s3, folder, uri).upload_changes()


def upload_archive(s3: S3Client, folders: list[Path], uri: str) -> None:
    """Put the folders' content into one tar.gz object; of files with the same path the first folder's wins.

    Nothing is written when all are empty.
    """
    files = {file.relative_to(folder): file for folder in reversed(folders) for file in _files(folder)}
    if not files:
        return
    archive = folders[0].with_name(f"{folders[0].name}.tar.gz")
    # A trained model hardly compresses: gzip only wraps it.
    with tarfile.open(archive, "w:gz", compresslevel=0) as tar:
        for name, file in sorted(files.items()):
            tar.add(file, arcname=str(name), recursive=False)
    bucket, key = split_uri(uri)
    s3.upload_file(str(archive), bucket, key, Config=_ONE_THREAD)
    archive.unlink()


class FolderSync:
    """A folder kept like an S3 prefix, as SageMaker keeps checkpoints: restored first, then uploaded as it changes."""

    def __init__(self, s3: S3Client, folder: Path, uri: str) -> None:
        self._s3, self._folder, self._uri = s3, folder, uri
        self._known: dict[Path, tuple[int, int]] = {}

    def restore(self) -> None:
        """Bring what the prefix holds, if anything."""
        self._folder.mkdir(parents=True, exist_ok=True)
        bucket, prefix = split_uri(self._uri)
        if _sizes(self._s3, bucket, prefix):
            download(self._s3, self._uri, self._folder)
        self._known = {file: _version(file) for file in _files(self._folder)}

    def upload_changes(self) -> None:
        """Upload the files that are new or have changed since the last call."""
        bucket, prefix = split_uri(self._uri)
        for file in _files(self._folder):
            try:
                version = _version(file)
                if self._known.get(file) == version:
                    continue
                key = f"{prefix.rstrip('/')}/{file.relative_to(self._folder)}".lstrip("/")
                self._s3.upload_file(str(file), bucket, key, Config=_ONE_THREAD)
            except FileNotFoundError:  # the job has just renamed or removed it
                continue
            self._known[file] = version


def size(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(file.stat().st_size for file in _files(folder))


def _sizes(s3: S3Client, bucket: str, prefix: str) -> dict[str, int]:
    """Bytes of every object under a prefix, by key."""
    try:
        pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix))
    except ClientError as error:
        raise DownloadFailed(
            f"ClientError: Data download failed:{error.response['Error']['Message']} ({bucket})"
        ) from error
    entries = (entry for page in pages for entry in page.get("Contents", []))
    return {entry["Key"]: entry["Size"] for entry in entries if not entry["Key"].endswith("/")}


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _version(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_mtime_ns, status.st_size
