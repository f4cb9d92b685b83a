"""Stage weights: torchvision's ImageNet weights into the data bucket, so that no job needs the internet."""

import hashlib
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from http.client import HTTPException
from typing import IO, Any

import storage
from errors import WeightsUnavailable, WrongWeights
from run import imagenet

SOURCE = "https://download.pytorch.org/models/"

ATTEMPTS = 4
WAIT_SECONDS = 2
TIMEOUT_SECONDS = 30
_CHUNK = 1 << 20


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Have every candidate's file in the bucket.

    Args:
        event: bucket: the data bucket's name; edition: the input's `weights`; candidates: as Plan lists them.

    Returns:
        downloaded: the names of the files that were not there before.

    Raises:
        WeightsUnavailable, WrongWeights
    """
    bucket, edition = event["bucket"], event["edition"]
    files = imagenet.EDITIONS[edition]
    architectures = [candidate["architecture"] for candidate in event["candidates"]]
    return {
        "downloaded": [files[name] for name in architectures if stage(files[name], imagenet.key(edition, name), bucket)]
    }


def stage(name: str, key: str, bucket: str) -> bool:
    """Download one file unless the bucket has it; whether it was downloaded."""
    uri = f"s3://{bucket}/{key}"
    if storage.find_etag(bucket, key) is not None:
        # Somebody may have put it there by hand. Reading it takes seconds, and there is no record of an earlier check
        # that could be wrong.
        check(name, uri, storage.client().get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(_CHUNK))
        return False
    with tempfile.TemporaryFile() as file:
        download(name, uri, file)
        check(name, SOURCE + name, iter(lambda: file.read(_CHUNK), b""))
        file.seek(0)
        storage.write(bucket, key, file, "application/octet-stream")
    return True


def download(name: str, uri: str, file: IO[bytes]) -> None:
    """Fill `file` with a published file. Raises WeightsUnavailable, which says to put it at `uri` by hand."""
    for attempt in range(1, ATTEMPTS + 1):
        file.seek(0)
        file.truncate()
        try:
            with urllib.request.urlopen(SOURCE + name, timeout=TIMEOUT_SECONDS) as answer:
                while chunk := answer.read(_CHUNK):
                    file.write(chunk)
                if answer.length:
                    raise HTTPException(f"{answer.length} bytes are missing at the end")
        except (OSError, HTTPException) as error:
            if attempt == ATTEMPTS:
                raise WeightsUnavailable(
                    f"weights: {SOURCE}{name} cannot be downloaded ({error}); "
                    f"put this file at {uri}, or give other weights"
                ) from error
            time.sleep(WAIT_SECONDS * attempt)
        else:
            file.seek(0)
            return


def check(name: str, place: str, chunks: Iterable[bytes]) -> None:
    """Compare the content with the hash that a file's name ends in. Raises WrongWeights."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    expected = name.removesuffix(".pth").rpartition("-")[2]
    if not digest.hexdigest().startswith(expected):
        raise WrongWeights(
            f"weights: the SHA-256 of {place} begins with {digest.hexdigest()[:8]}, that of torchvision's {name} "
            f"with {expected}; put the right file at that place of the data bucket, or remove it there"
        )
