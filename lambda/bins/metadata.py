"""What the metadata file of a bin says."""

from collections.abc import Mapping
from typing import NamedTuple

from bin_record import is_integer, read_record, recorded_count
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
    record = read_record(content)
    if record is None:
        return Metadata(None, frozenset())
    items, count = record["BIN_FCSKU_DATA"], recorded_count(record)
    if count is None:
        return Metadata(None, frozenset(items))
    quantities = [item.get("quantity") if isinstance(item, Mapping) else None for item in items.values()]
    known = [quantity for quantity in quantities if is_integer(quantity)]
    return Metadata(
        count,
        frozenset(items),
        wrong_label=len(known) == len(quantities) and sum(known) != count,
    )
