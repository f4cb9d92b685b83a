"""Catalogue: read the metadata of one batch of bins and write a record for each bin.

A record holds `id`, `count`, `skus`, `group` (the head of the bin's group) and `verdict`: "kept" or why not.
"""

import json
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import binids
import groups
import storage
from dataset import PlannedDataset
from errors import SourceUnavailable
from rejects import OUT_OF_RANGE
from source import CONCURRENCY, Source, TooLarge

KEPT = "kept"
MISSING = "missing metadata"
UNPARSABLE = "unparsable metadata"
NO_IMAGE = "no image"

METADATA_LIMIT = 1_000_000
"""Bytes; the largest real metadata file has less than a tenth of it."""


class Metadata(NamedTuple):
    """What a metadata file says. `quantity` is None when the file cannot be read as one; `skus` may still be known."""

    quantity: int | None
    skus: groups.Skus


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Catalogue `event["batch"]` of `event["dataset"]`; the result counts the batch's bins by verdict."""
    started = time.monotonic()
    dataset = PlannedDataset.model_validate(event["dataset"])
    batch = event["batch"]
    source = dataset.source.open()
    try:
        records = catalogue(
            source,
            [binids.position(name) for name in batch["bins"]],
            without_image={binids.position(name) for name in batch["withoutImage"]},
            labels=dataset.parameters.labels,
        )
    except SourceUnavailable as error:
        raise SourceUnavailable(f"batch {batch['batch']}: {error}") from error
    storage.write_json(
        dataset.bucket,
        dataset.key("work", "catalogue", f"{batch['batch']}.json"),
        {"records": records, "took": source.took(started)},
    )
    kept = sum(record["verdict"] == KEPT for record in records)
    return {"batch": batch["batch"], "bins": len(records), "kept": kept}


def catalogue(source: Source, positions: list[int], without_image: set[int], labels: list[int]) -> list[dict[str, Any]]:
    """A record for each position, ascending.

    Args:
        source: where metadata is read, once for each bin, and before a gap in `positions` as far as a chain reaches.
        positions: the batch's bins.
        without_image: those of them that have no image.
        labels: counts to keep.
    """
    with ThreadPoolExecutor(CONCURRENCY) as pool:

        def read(wanted: list[int]) -> dict[int, Metadata | None]:
            return dict(zip(wanted, pool.map(lambda position: _read(source, position), wanted), strict=True))

        batch = read(sorted(positions))
        skus = {position: _skus(metadata) for position, metadata in batch.items()}
        # Most chains end right before the border: what is there is read ahead, at once.
        borders = [at - 1 for at in batch if skus[at] and at - 1 not in batch and binids.exists(at - 1)]
        before = read(borders)

    def skus_before(position: int) -> groups.Skus:
        if not binids.exists(position):
            return frozenset()
        return _skus(before[position] if position in before else _read(source, position))

    heads = groups.heads(skus, skus_before)
    return [
        {
            "id": binids.name(position),
            "count": metadata.quantity if metadata else None,
            "skus": sorted(_skus(metadata)),
            "group": binids.name(heads[position]),
            "verdict": _verdict(metadata, labels, has_image=position not in without_image),
        }
        for position, metadata in batch.items()
    ]


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


def _read(source: Source, position: int) -> Metadata | None:
    """The bin's metadata, or None without a file."""
    try:
        content = source.read_metadata(position, METADATA_LIMIT)
    except TooLarge:
        return Metadata(None, frozenset())
    return None if content is None else parse(content)


def _skus(metadata: Metadata | None) -> groups.Skus:
    return metadata.skus if metadata else frozenset()


def _verdict(metadata: Metadata | None, labels: list[int], has_image: bool) -> str:
    if metadata is None:
        return MISSING
    if metadata.quantity is None:
        return UNPARSABLE
    if metadata.quantity not in labels:
        return OUT_OF_RANGE
    return KEPT if has_image else NO_IMAGE
