"""The lists that the input names: of `dataset.files` the bins to take, of `dataset.leaveOut` those not to train on.

A JSON list of names, or lists of names by count as in the well-known file_list.json,
{"1": ["data/metadata/100313.json", ...], ...}. A name may be that of a bin's file, in any folder. The counts are not
read: a bin's metadata has its count.
"""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError

import storage
from bins import names
from run.contract import InvalidInput
from run.sentences import shown

FOLDER = "lists/"
"""Of the data bucket; see Plan's permissions."""
LIMIT = 50_000_000
"""Bytes; a list of all bins of the real dataset has 16 million."""

_SUFFIXES = ("", ".json", ".jpg")
_A_LIST = 'must be a JSON list of names of bins such as ["00001", "1"] or {"1": ["data/metadata/100313.json"], "2": []}'


class BadList(ValueError):
    """The file is no list of bins; the message says what it is, and what it must be."""


def read(field: str, uri: str, data_bucket: str, source_buckets: Sequence[str]) -> frozenset[int]:
    """The positions of the bins that the file names which an input's `field` gives.

    Raises:
        InvalidInput: Plan may not read the file, or it is no list of bins.
    """
    given = f'{field}: "{uri}" was given'
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if bucket not in source_buckets and not (bucket == data_bucket and key.startswith(FOLDER)):
        folder = f"s3://{data_bucket}/{FOLDER}"
        raise InvalidInput(
            f"{given}; must be an object below {folder} or in one of the source's buckets {', '.join(source_buckets)}, "
            f"which Plan may read: copy the file there (aws s3 cp {uri} {folder}{key.rpartition('/')[2]}), "
            "or add its bucket to the setting sourceBuckets"
        )
    try:
        answer = storage.client().get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "NoSuchBucket"):
            raise InvalidInput(
                f"{given}; must be an object that exists: put the file there, or correct the URI"
            ) from None
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 403:
            raise InvalidInput(
                f"{given}; this deployment's Plan function may not read it; its bucket's policy must allow that "
                "function's role s3:GetObject, or the file must be copied below "
                f"s3://{data_bucket}/{FOLDER}"
            ) from None
        raise
    if answer["ContentLength"] > LIMIT:
        raise InvalidInput(f"{given}; it has {answer['ContentLength']} bytes; must have at most {LIMIT}")
    try:
        return frozenset(map(names.position, parse(answer["Body"].read())))
    except BadList as error:
        raise InvalidInput(f"{given}; {error}") from None


def parse(content: bytes) -> list[str]:
    """The names of bins in a list, in its order. Raises BadList."""
    try:
        # Pairs, as an object may have a key twice.
        parsed = json.loads(content, object_pairs_hook=tuple)
    except RecursionError:
        raise BadList(f"it is nested too deeply; {_A_LIST}") from None
    except ValueError as error:
        raise BadList(f"it is no JSON ({error}); {_A_LIST}") from None
    bins = [_name(entry) for entry in _entries(parsed)]
    if not bins:
        raise BadList(f"it names no bin; must name at least one, and {_A_LIST}")
    if len(set(bins)) < len(bins):
        first, *others = (name for name, number in Counter(bins).items() if number > 1)
        more = f" and {len(others)} other{'s' if len(others) > 1 else ''}" if others else ""
        raise BadList(f"it names {first}{more} more than once; must name each bin once")
    return bins


def _entries(parsed: Any) -> list[Any]:
    """What a list holds, or the lists of an object together."""
    if isinstance(parsed, list):
        return parsed
    if not isinstance(parsed, tuple):
        raise BadList(f"it is {shown(parsed)}; {_A_LIST}")
    entries = []
    for key, its in parsed:
        # Other keys may mean what would not be done, such as splits.
        if not (key.isascii() and key.isdecimal()):
            raise BadList(f"it has the key {shown(key)}; {_A_LIST}")
        if not isinstance(its, list):
            raise BadList(f"it holds {shown(its)} under {shown(key)}; {_A_LIST}")
        entries += its
    return entries


def _name(entry: Any) -> str:
    if isinstance(entry, str):
        stem, dot, kind = entry.rpartition("/")[2].partition(".")
        if names.is_name(stem) and dot + kind in _SUFFIXES:
            return stem
    raise BadList(f"it holds {shown(entry)}; {_A_LIST}")
