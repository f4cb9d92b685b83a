"""Where an audit reads photos and writes results: a folder, or S3 where there are too many photos for a channel."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONCURRENCY = 32
ATTEMPTS, READS = 8, 3


class Place(Protocol):
    """Files by their names, such as `metadata/00001.json`."""

    def read(self, name: str) -> bytes:
        """Raises FileNotFoundError."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """All of it or, when the process ends meanwhile, nothing."""
        ...

    def names(self, folder: str) -> Iterator[str]:
        """What lies directly in a folder; the empty name is the place itself."""
        ...


def place(text: str, anonymous: bool = False) -> Place:
    """The place that a URI or a path names; `anonymous`: S3 is asked without a signature."""
    return Prefix(text, anonymous) if text.startswith("s3://") else Folder(Path(text))


class Folder:
    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, name: str) -> bytes:
        return (self.path / name).read_bytes()

    def write(self, name: str, content: bytes) -> None:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f".{file.name}.partial")
        partial.write_bytes(content)
        partial.replace(file)

    def names(self, folder: str) -> Iterator[str]:
        place = self.path / folder
        return (file.name for file in place.iterdir()) if place.is_dir() else iter(())


class Prefix:
    """Objects below a prefix of a bucket, with the job's own role or with nobody's."""

    def __init__(self, uri: str, anonymous: bool) -> None:
        import boto3  # not where all files are in folders
        from botocore import UNSIGNED
        from botocore.config import Config
        from botocore.exceptions import ConnectionError, HTTPClientError, IncompleteReadError

        self._broken_off = ConnectionError, HTTPClientError, IncompleteReadError
        self.bucket, _, prefix = uri.removeprefix("s3://").rstrip("/").partition("/")
        self.prefix = f"{prefix}/" if prefix else ""
        retries = Config(retries={"mode": "standard", "max_attempts": ATTEMPTS}, max_pool_connections=CONCURRENCY)
        if anonymous:
            retries = retries.merge(Config(signature_version=UNSIGNED))
        self.s3: S3Client = boto3.client("s3", config=retries)

    def read(self, name: str, tries: int = READS) -> bytes:
        try:
            return self.s3.get_object(Bucket=self.bucket, Key=self.prefix + name)["Body"].read()
        except self.s3.exceptions.NoSuchKey as error:
            raise FileNotFoundError(f"There is no s3://{self.bucket}/{self.prefix}{name}.") from error
        except self._broken_off:
            # botocore tries a request again, but not a body that breaks off.
            if tries == 1:
                raise
            return self.read(name, tries - 1)

    def write(self, name: str, content: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=self.prefix + name, Body=content)

    def names(self, folder: str) -> Iterator[str]:
        below = f"{self.prefix}{folder}/" if folder else self.prefix
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=below, Delimiter="/"):
            yield from (listed["Key"].removeprefix(below) for listed in page.get("Contents", ()))
