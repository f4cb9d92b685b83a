"""What the metadata file of a bin says."""

import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from bin_record import MOST, is_integer, read_record, recorded_count
from bins.groups import Skus

_INCHES = {"height": "IN", "length": "IN", "width": "IN"}
_POUNDS = {"weight": "pounds"}
"""Measures of an item, and the unit that each must have."""


class Metadata(NamedTuple):
    """What a metadata file says. `quantity` is None when the file cannot be read as one; `skus` may still be known.

    `wrong_label`: every item says how many of it there are, and together they are not `quantity`.
    `volume` (cubic inches) and `weight` (pounds) are of all items together, and positive; None where any item's is not
    known, and in an empty bin.
    """

    quantity: int | None
    skus: Skus
    wrong_label: bool = False
    volume: float | None = None
    weight: float | None = None


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
        volume=_total(items, _INCHES),
        weight=_total(items, _POUNDS),
    )


def _total(items: Mapping[str, Any], units: Mapping[str, str]) -> float | None:
    """The product of an item's measures, summed over all items, to six digits; None unless it is known and positive."""
    total = 0.0
    for item in items.values():
        quantity = item.get("quantity") if isinstance(item, Mapping) else None
        if not is_integer(quantity) or not 0 <= quantity < MOST:
            return None
        product = float(quantity)
        for measure, unit in units.items():
            value = _value(item.get(measure), unit)
            if value is None:
                return None
            product *= value
        total += product
    return float(f"{total:.6g}") if 0 < total <= sys.float_info.max else None


def _value(measure: object, unit: str) -> float | None:
    """The value of such as {"unit": "IN", "value": 3.5}, if it is a positive number of that unit."""
    if not isinstance(measure, Mapping) or measure.get("unit") != unit:
        return None
    value = measure.get("value")
    # An integer can be too large for a float.
    if not (is_integer(value) or isinstance(value, float)) or not 0 < value <= sys.float_info.max:
        return None
    return float(value)
