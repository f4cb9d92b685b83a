"""Catalogue: read the metadata of one batch of bins and write a record for each bin.

A record holds `id`, `count`, `skus`, `group` (the head of the bin's group) and `verdict`: "kept" or why not.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import storage
from bins import groups, names
from bins.metadata import Metadata, parse
from bins.source import CONCURRENCY, Source, TooLarge
from dataset.planned import PlannedDataset
from dataset.rejects import KEPT, MISSING, NO_IMAGE, OUT_OF_RANGE, UNPARSABLE
from errors import SourceUnavailable

METADATA_LIMIT = 1_000_000
"""Bytes; the largest real metadata file has less than a tenth of it."""


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Catalogue `event["batch"]` of `event["dataset"]`; the result counts the batch's bins by verdict."""
    started = time.monotonic()
    dataset = PlannedDataset.model_validate(event["dataset"])
    batch = event["batch"]
    source = dataset.source.open()
    try:
        records = catalogue(
            source,
            [names.position(name) for name in batch["bins"]],
            without_image={names.position(name) for name in batch["withoutImage"]},
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
        borders = [at - 1 for at in batch if skus[at] and at - 1 not in batch and names.exists(at - 1)]
        before = read(borders)

    def skus_before(position: int) -> groups.Skus:
        if not names.exists(position):
            return frozenset()
        return _skus(before[position] if position in before else _read(source, position))

    heads = groups.heads(skus, skus_before)
    return [
        {
            "id": names.name(position),
            "count": metadata.quantity if metadata else None,
            "skus": sorted(_skus(metadata)),
            "group": names.name(heads[position]),
            "verdict": _verdict(metadata, labels, has_image=position not in without_image),
        }
        for position, metadata in batch.items()
    ]


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
