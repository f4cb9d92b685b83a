"""A bin's metadata file in the shape that the real data set has."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rehearsal.bins.population import Bin
from rehearsal.bins.products import product


def metadata(contents: Bin) -> dict[str, Any]:
    """What the data set says of a bin: its products by SKU with their quantities, and how many items that makes."""
    quantities = Counter(item.asin for item in contents.items)
    return {
        "BIN_FCSKU_DATA": {asin: _entry(asin, quantity) for asin, quantity in sorted(quantities.items())},
        "EXPECTED_QUANTITY": len(contents.items),
    }


def _entry(asin: str, quantity: int) -> dict[str, Any]:
    article = product(asin)
    return {
        "asin": asin,
        "height": {"unit": "IN", "value": round(article.height, 6)},
        "length": {"unit": "IN", "value": round(article.length, 6)},
        "name": article.name,
        "normalizedName": article.name,
        "quantity": quantity,
        "weight": {"unit": "pounds", "value": round(article.weight, 6)},
        "width": {"unit": "IN", "value": round(article.width, 6)},
    }
