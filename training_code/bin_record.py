"""The record of a bin, its metadata file: the one way to read it, in the functions and in SageMaker."""

import json
from typing import Any, TypeGuard

MOST = 1_000_000
"""Items of a bin are fewer."""


def read_record(content: bytes) -> dict[str, Any] | None:
    """What a metadata file holds; None of a file that is none of a bin's."""
    try:
        record = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or not isinstance(record.get("BIN_FCSKU_DATA"), dict):
        return None
    return record


def recorded_count(record: dict[str, Any] | None) -> int | None:
    """EXPECTED_QUANTITY; None where it is not one."""
    count = record["EXPECTED_QUANTITY"] if record and "EXPECTED_QUANTITY" in record else None
    return count if is_integer(count) and 0 <= count < MOST else None


def is_integer(value: object) -> TypeGuard[int]:
    """bool is an int to Python, not to the dataset."""
    return isinstance(value, int) and not isinstance(value, bool)
