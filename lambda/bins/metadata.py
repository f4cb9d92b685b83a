"""What the metadata file of a bin says."""

import json
from collections.abc import Mapping
from typing import NamedTuple

from bins.groups import Skus


class Metadata(NamedTuple):
    """What a metadata file says. `quantity` is None when the file cannot be read as one; `skus` may still be known."""

    quantity: int | None
    skus: Skus


def parse(content: bytes) -> Metadata:
    """Read a metadata file, whatever is in it; see `Metadata` for what cannot be read."""
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError):
        return Metadata(None, frozenset())
    if not isinstance(parsed, dict):
        return Metadata(None, frozenset())
    items = parsed.get("BIN_FCSKU_DATA")
    count = parsed.get("EXPECTED_QUANTITY")
    if not isinstance(items, Mapping):
        return Metadata(None, frozenset())
    # bool is an int to Python, not to the dataset.
    readable = isinstance(count, int) and not isinstance(count, bool) and 0 <= count < 1_000_000
    return Metadata(count if readable else None, frozenset(items))
