"""Local folders served as public S3 buckets, read from disk when asked for."""

from __future__ import annotations

import datetime
import hashlib
import os
import threading
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from moto.s3.models import FakeBucket, FakeKey, get_canned_acl, s3_backends

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


class MountedBucket(FakeBucket):
    """A bucket whose objects are a folder's files: those that are there when it is first asked for one."""

    def __init__(self, name: str, folder: Path, region: str) -> None:
        self._folder: Path | None = folder
        self._looking = threading.Lock()
        self._keys: Any = None
        super().__init__(name, ACCOUNT_ID, region)

    @property
    def keys(self) -> Any:
        """The objects by key, as moto keeps them."""
        with self._looking:
            if self._folder is not None:
                for path, key in _files(self._folder):
                    self._keys[key] = MountedFile(path, key, self.name, self.region_name)
                self._folder = None
        return self._keys

    @keys.setter
    def keys(self, empty: Any) -> None:
        self._keys = empty


def mount(bucket_name: str, folder: Path, region: str) -> None:
    """Serve ``folder`` as a bucket: keys are relative paths."""
    s3_backends[ACCOUNT_ID]["aws"].buckets[bucket_name] = MountedBucket(bucket_name, folder, region)
    _mounted.add(bucket_name)


def is_mounted(bucket_name: str) -> bool:
    """Whether a bucket is a mounted one: public, and another account's."""
    return bucket_name in _mounted


def _files(folder: Path) -> Iterator[tuple[Path, str]]:
    for parent, _, names in os.walk(folder, followlinks=True):
        for name in names:
            path = Path(parent, name)
            yield path, path.relative_to(folder).as_posix()
