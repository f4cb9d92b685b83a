"""The source bucket: read only, anonymously where it is public, each read over reused connections and retried."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

import boto3
import botocore.exceptions as failures
import botocore.session
from botocore import UNSIGNED
from botocore.config import Config

from bins import names
from errors import SourceAccessDenied, SourceNotFound, SourceUnavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONCURRENCY = 32
_ATTEMPTS = 8
_READS = 3
_INTERRUPTED = (
    failures.ConnectionError,
    failures.HTTPClientError,
    failures.IncompleteReadError,
    failures.FlexibleChecksumError,
)


@cache
def session() -> boto3.Session:
    """AWS's session for the source, one for the life of the function's environment.

    It leaves timestamps as text: parsing them takes three quarters of the time of a large LIST, and nobody reads them.
    """
    core = botocore.session.Session()
    core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=str)
    return boto3.Session(botocore_session=core)


Listed = tuple[int, str, int]
"""One object of the source as LIST shows it: the bin's position, the version (its ETag) and the size in bytes."""


class TooLarge(Exception):
    """An object is larger than what is sensible for its kind."""


class Source:
    """Bins in one bucket below one prefix, and what reading them took.

    Attributes:
        uri: such as s3://aft-vbi-pds.
        anonymous: whether requests are unsigned.
        requests: attempts sent so far, retries included.
        bytes: bytes of objects read so far.
    """

    def __init__(self, uri: str, anonymous: bool) -> None:
        self.uri = uri.rstrip("/")
        self.anonymous = anonymous
        self.bucket, _, prefix = self.uri.removeprefix("s3://").partition("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self.requests = 0
        self.bytes = 0
        self._counting = Lock()
        config = Config(
            retries={"mode": "standard", "max_attempts": _ATTEMPTS},
            max_pool_connections=CONCURRENCY,
            connect_timeout=5,
            read_timeout=20,
        )
        if anonymous:
            config = config.merge(Config(signature_version=UNSIGNED))
        self._s3: S3Client = session().client("s3", config=config)
        self._s3.meta.events.register("before-send.s3", self._count_request)

    @classmethod
    def open(cls, uri: str) -> Self:
        """The source, read anonymously if it allows that and with the function's role otherwise.

        Raises:
            SourceNotFound, SourceAccessDenied
        """
        for anonymous in (True, False):
            source = cls(uri, anonymous)
            try:
                source._probe()
                return source
            except failures.ClientError as error:
                if error.response["Error"]["Code"] == "NoSuchBucket":
                    raise SourceNotFound(
                        f"dataset.source: {uri} was given; there is no bucket {source.bucket}; "
                        "must be a bucket that exists"
                    ) from None
                if error.response["ResponseMetadata"]["HTTPStatusCode"] != 403:
                    raise
        raise SourceAccessDenied(
            f"dataset.source: {uri} was given; neither anyone nor this deployment's role may read {source.bucket}; "
            "its policy must allow s3:ListBucket and s3:GetObject to one of them"
        )

    def _probe(self) -> None:
        """List and read as little as tells whether this may list and read: a bucket can allow one without the other."""
        found = self._s3.list_objects_v2(Bucket=self.bucket, Prefix=f"{self._prefix}metadata/", MaxKeys=1)
        for item in found.get("Contents", ()):
            self._s3.head_object(Bucket=self.bucket, Key=item["Key"])

    def list_metadata(self) -> Iterator[Listed]:
        """Every object named metadata/<bin>.json, in no particular order."""
        return self._list("metadata/", ".json")

    def list_images(self) -> Iterator[Listed]:
        """Every object named bin-images/<bin>.jpg, in no particular order."""
        return self._list("bin-images/", ".jpg")

    def read_metadata(self, position: int, limit: int) -> bytes | None:
        """The metadata file of a bin, or None without one. Raises TooLarge above `limit` bytes."""
        return self._read(f"metadata/{names.name(position)}.json", limit)

    def read_image(self, position: int, limit: int) -> bytes | None:
        """The image file of a bin, or None without one. Raises TooLarge above `limit` bytes."""
        return self._read(f"bin-images/{names.name(position)}.jpg", limit)

    def took(self, started: float) -> dict[str, float]:
        """Requests sent and bytes read so far, and seconds since `started` on the monotonic clock."""
        seconds = round(time.monotonic() - started, 3)
        return {"requests": self.requests, "bytes": self.bytes, "seconds": seconds}

    def _list(self, folder: str, suffix: str) -> Iterator[Listed]:
        """Lists by leading digit, all digits at once: a request for 1,000 keys waits for the one before it."""
        start = len(self._prefix) + len(folder)

        def pages_of(digit: int) -> list[Listed]:
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=f"{self._prefix}{folder}{digit}"
            )
            found = []
            for page in pages:
                for item in page.get("Contents", ()):
                    stem = item["Key"][start:].removesuffix(suffix)
                    if names.is_name(stem) and item["Key"].endswith(suffix):
                        found.append((names.position(stem), item["ETag"], item["Size"]))
            return found

        with ThreadPoolExecutor(10) as pool:
            for found in pool.map(pages_of, range(10)):
                yield from found

    def _read(self, name: str, limit: int) -> bytes | None:
        key = self._prefix + name
        attempt = 0
        while True:
            attempt += 1
            try:
                answer = self._s3.get_object(Bucket=self.bucket, Key=key)
                if answer["ContentLength"] > limit:
                    answer["Body"].close()
                    raise TooLarge(f"{answer['ContentLength']} bytes")
                # Not in a `with` statement: that would read past the check for a body that is cut short.
                content = answer["Body"].read()
                with self._counting:
                    self.bytes += len(content)
                return content
            except failures.ClientError as error:
                if error.response["Error"]["Code"] == "NoSuchKey":
                    return None
                denied = error.response["ResponseMetadata"]["HTTPStatusCode"] == 403
                named = SourceAccessDenied if denied else SourceUnavailable
                raise named(f"s3://{self.bucket}/{key}: {error}") from error
            except _INTERRUPTED as error:
                # botocore retries a request, but not a body that breaks off.
                if attempt == _READS:
                    raise SourceUnavailable(f"s3://{self.bucket}/{key}: {error}") from error
                time.sleep(0.1 * 2**attempt)

    def _count_request(self, **_: Any) -> None:
        with self._counting:
            self.requests += 1
