"""Lambda's limits, in its own words: what a function is deployed with, is asked, answers and uses.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import psutil
from moto.awslambda.exceptions import InvalidParameterValueException, LambdaClientError

_ENVIRONMENT_BYTES = 4096
_UNZIPPED_BYTES = 262_144_000
_REQUEST_BYTES = 6_291_456
_EVENT_BYTES = 1_048_576
_RESPONSE_BYTES = 6_291_556

OUT_OF_SPACE = "[Errno 28] No space left on device"
RESPONSE_TOO_LARGE = f"Response payload size exceeded maximum allowed payload size ({_RESPONSE_BYTES} bytes)."


class RequestEntityTooLargeException(LambdaClientError):
    """A payload is larger than an invocation may carry."""

    code = 413

    def __init__(self, message: str) -> None:
        super().__init__("RequestEntityTooLargeException", message)


class InvalidRequestContentException(LambdaClientError):
    """A payload is no JSON."""

    def __init__(self, message: str) -> None:
        super().__init__("InvalidRequestContentException", message)


def check_json(payload: bytes) -> None:
    """Refuse what a function could not be given as its event.

    Raises
    ------
    InvalidRequestContentException
    """
    try:
        json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestContentException(f"Could not parse request body into json: {error}") from None


def check_environment(variables: Mapping[str, str]) -> None:
    """Refuse variables that are longer than 4 KB, written as JSON.

    Raises
    ------
    InvalidParameterValueException
    """
    measured = json.dumps(variables, separators=(",", ":"), ensure_ascii=False)
    if len(measured.encode()) > _ENVIRONMENT_BYTES:
        raise InvalidParameterValueException(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            f"provided exceeded the 4KB limit. String measured: {measured}"
        )


def check_archive(archive: bytes) -> None:
    """Refuse the zip of a function or a layer that would be larger than 250 MB.

    Raises
    ------
    InvalidParameterValueException
    """
    if _unzipped(archive) > _UNZIPPED_BYTES:
        raise InvalidParameterValueException(f"Unzipped size must be smaller than {_UNZIPPED_BYTES} bytes")


def check_archives(code: bytes, layers: Iterable[bytes]) -> None:
    """Refuse a function that is larger than 250 MB together with its layers.

    Raises
    ------
    InvalidParameterValueException
    """
    check_archive(code)
    below = sum(map(_unzipped, layers))
    if below > _UNZIPPED_BYTES:
        raise InvalidParameterValueException(f"Layers consume more than the available size of {_UNZIPPED_BYTES} bytes")
    if (size := _unzipped(code) + below) > _UNZIPPED_BYTES:
        raise InvalidParameterValueException(
            f"Function code combined with layers exceeds the maximum allowed size of {_UNZIPPED_BYTES} bytes. "
            f"The actual size is {size} bytes."
        )


def check_request(size: int, is_event: bool) -> None:
    """Refuse a payload of more than 6 MB, or of 1 MB where nobody waits for the answer.

    Raises
    ------
    RequestEntityTooLargeException
    """
    if is_event and size > _EVENT_BYTES:
        raise RequestEntityTooLargeException(
            f"{size} byte payload is too large for the Event invocation type (limit {_EVENT_BYTES} bytes)"
        )
    if size > _REQUEST_BYTES:
        raise RequestEntityTooLargeException(
            f"Request must be smaller than {_REQUEST_BYTES} bytes for the InvokeFunction operation"
        )


def is_too_large(response: bytes) -> bool:
    """Whether a function's answer is more than what an invocation returns."""
    return len(response) > _RESPONSE_BYTES


def peak_memory(process: int) -> int:
    """The most bytes that a process has held in memory; where the system does not remember it, what it holds now."""
    try:
        with Path(f"/proc/{process}/status").open() as status:
            peaks = [line.split()[1] for line in status if line.startswith("VmHWM:")]
    except (FileNotFoundError, ProcessLookupError):
        return _held_memory(process)
    return int(peaks[0]) * 1024 if peaks else 0  # A process that has ended has none.


def _held_memory(process: int) -> int:
    try:
        return int(psutil.Process(process).memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def used_space(folder: Path, process: int) -> int:
    """Bytes of the files in a folder, and of those that a process still has open there and has deleted."""
    named = (Path(parent, name) for parent, _, names in os.walk(folder) for name in names)
    return sum(map(_size, (*named, *_deleted(folder, process))))


def _deleted(folder: Path, process: int) -> Iterator[Path]:
    """Links to open files without a name, which is what Python's TemporaryFile makes; only Linux shows them."""
    with contextlib.suppress(OSError):  # The process, or one of its files, is gone.
        for link in Path(f"/proc/{process}/fd").iterdir():
            target = str(link.readlink())
            if target.startswith(f"{folder}/") and target.endswith(" (deleted)"):
                yield link


def _size(file: Path) -> int:
    with contextlib.suppress(OSError):
        return file.stat().st_size
    return 0


def _unzipped(archive: bytes) -> int:
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as content:
            return sum(entry.file_size for entry in content.infolist())
    except zipfile.BadZipFile:
        raise InvalidParameterValueException(
            "Could not unzip uploaded file. Please check your file, then try to upload again."
        ) from None
