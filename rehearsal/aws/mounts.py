"""Local folders served as public S3 buckets, read from disk when asked for."""

from __future__ import annotations

import datetime
import hashlib
import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from moto.s3.models import FakeKey, get_canned_acl, s3_backends

from rehearsal.aws.location import ACCOUNT_ID

_mounted: set[str] = set()


class MountedFile(FakeKey):
    """An S3 object whose bytes stay in a file; written over or deleted, the object changes and the file does not."""

    def __init__(self, path: Path, key: str, bucket: str, region: str) -> None:
        self._path = path
        super().__init__(name=key, value=b"", account_id=ACCOUNT_ID, region_name=region, bucket_name=bucket)
        self.acl = get_canned_acl("public-read")  # moto asks it, and no bucket policy, of unsigned calls
        status = path.stat()
        self.contentsize = status.st_size
        self.last_modified = datetime.datetime.fromtimestamp(status.st_mtime, datetime.UTC).replace(tzinfo=None)

    @property
    def value(self) -> bytes:
        """The file's bytes."""
        return self._path.read_bytes()

    @value.setter
    def value(self, _: bytes) -> None:
        """moto sets the value once at construction; the file stays as it is."""

    @cached_property
    def etag(self) -> str:
        """The MD5 of the content in quotes, computed when first asked for."""
        return f'"{hashlib.md5(self.value, usedforsecurity=False).hexdigest()}"'


def mount(bucket_name: str, folder: Path, region: str) -> int:
    """Serve ``folder`` as a bucket: keys are relative paths.

    Returns
    -------
    The number of objects.
    """
    bucket = s3_backends[ACCOUNT_ID]["aws"].create_bucket(bucket_name, region)
    _mounted.add(bucket_name)
    for path, key in _files(folder):
        bucket.keys[key] = MountedFile(path, key, bucket_name, region)
    return len(bucket.keys)


def is_mounted(bucket_name: str) -> bool:
    """Whether a bucket is a mounted one: public, and another account's."""
    return bucket_name in _mounted


def _files(folder: Path) -> Iterator[tuple[Path, str]]:
    for parent, _, names in os.walk(folder, followlinks=True):
        for name in names:
            path = Path(parent, name)
            yield path, path.relative_to(folder).as_posix()
