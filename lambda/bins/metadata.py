"""What the metadata file of a bin says."""

import json
from collections.abc import Mapping
from typing import NamedTuple, TypeGuard

from bins.groups import Skus


class Metadata(NamedTuple):
    """What a metadata file says. `quantity` is None when the file cannot be read as one; `skus` may still be known.

    `wrong_label`: every item says how many of it there are, and together they are not `quantity`.
    """

    quantity: int | None
    skus: Skus
    wrong_label: bool = False


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
    if not _is_integer(count) or not 0 <= count < 1_000_000:
        return Metadata(None, frozenset(items))
    quantities = [item.get("quantity") if isinstance(item, Mapping) else None for item in items.values()]
    known = [quantity for quantity in quantities if _is_integer(quantity)]
    return Metadata(count, frozenset(items), len(known) == len(quantities) and sum(known) != count)


def _is_integer(value: object) -> TypeGuard[int]:
    # bool is an int to Python, not to the dataset.
    return isinstance(value, int) and not isinstance(value, bool)
