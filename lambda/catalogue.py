"""Catalogue: read the metadata of one batch of bins and write a record for each bin.

A record holds `id`, `count`, `wrongLabel` (the count is not the sum of its items), its `skus`, `group` (the head of the
bin's group), `copy` (None, or `of`: the first bin of the source with the same photo, and its `group`) and `verdict`:
"kept", "uncounted" (it has another count, and is wanted for training) or why not.
"""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import storage
from bins import groups, names
from bins.metadata import Metadata, parse
from bins.source import CONCURRENCY, Source, TooLarge
from dataset.assignment import UNCOUNTED
from dataset.planned import PlannedDataset
from dataset.rejects import KEPT, MISSING, NO_IMAGE, OUT_OF_RANGE, UNKNOWN, UNPARSABLE, WRONG_LABEL
from errors import SourceUnavailable
from run.contract import Dataset

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
            copies={names.position(name): names.position(first) for name, first in batch["copies"].items()},
            parameters=dataset.parameters,
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


def catalogue(
    source: Source,
    positions: list[int],
    without_image: set[int],
    copies: Mapping[int, int],
    parameters: Dataset,
) -> list[dict[str, Any]]:
    """A record for each position, ascending.

    Args:
        source: where metadata is read, once for each bin, and before a gap in `positions` as far as a chain reaches.
        positions: the batch's bins.
        without_image: those of them that have no image.
        copies: those of them whose photo others have, and the first bin that has it; its chain is read, too.
        parameters: which bins to keep.
    """
    with ThreadPoolExecutor(CONCURRENCY) as pool:

        def read(wanted: list[int]) -> dict[int, Metadata | None]:
            return dict(zip(wanted, pool.map(lambda position: _read(source, position), wanted), strict=True))

        batch = read(sorted(positions))
        skus = {position: _skus(metadata) for position, metadata in batch.items()}
        # Most chains end right before the border: what is there is read ahead, at once.
        borders = [at - 1 for at in batch if skus[at] and at - 1 not in batch and names.exists(at - 1)]
        before = read(borders)

        @cache
        def skus_at(position: int) -> groups.Skus:
            if position in skus:
                return skus[position]
            if not names.exists(position):
                return frozenset()
            return _skus(before[position] if position in before else _read(source, position))

        heads = groups.heads(skus, skus_at)
        firsts = set(copies.values()) - heads.keys()
        every_head = heads | dict(zip(firsts, pool.map(lambda at: groups.head(at, skus_at), firsts), strict=True))

    def copy(position: int) -> dict[str, str] | None:
        if position not in copies:
            return None
        first = copies[position]
        return {"of": names.name(first), "group": names.name(every_head[first])}

    return [
        {
            "id": names.name(position),
            "count": metadata.quantity if metadata else None,
            "wrongLabel": metadata.wrong_label if metadata else False,
            "skus": sorted(_skus(metadata)),
            "group": names.name(heads[position]),
            "copy": copy(position),
            "verdict": _verdict(metadata, parameters, has_image=position not in without_image),
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


def _verdict(metadata: Metadata | None, parameters: Dataset, has_image: bool) -> str:
    if metadata is None:
        return MISSING if has_image else UNKNOWN
    if metadata.quantity is None:
        return UNPARSABLE
    counted = parameters.min_count <= metadata.quantity <= parameters.max_count
    if not counted and not parameters.uncounted:
        return OUT_OF_RANGE
    if not has_image:
        return NO_IMAGE
    if metadata.wrong_label and parameters.wrong_labels == "reject":
        return WRONG_LABEL
    return KEPT if counted else UNCOUNTED
