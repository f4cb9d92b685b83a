"""Which bins of a source make a dataset, and its id, a hash of all that determines its content."""

import hashlib
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from bins import names, sampling
from bins.source import Source
from run import contract

FORMAT = 2
"""Raise it with every change of what the data steps write: datasets from before are then made anew."""

BATCH = 1000
"""Bins that one Catalogue function reads."""


class Sample:
    """The sampled bins of a source: whole blocks of consecutive names.

    Attributes:
        bins: how many bins the source has in all.
        positions: the sampled bins, ascending.
        metadata, images: version and size of the sampled bins' files by position; of `metadata` also those of the block
            before each sampled one, where the chain of its first bin may begin.
    """

    def __init__(self, source: Source, fraction: float, seed: int) -> None:
        @cache
        def is_sampled(block: int) -> bool:
            return sampling.is_sampled(block, fraction, seed)

        every: set[int] = set()
        self.metadata: dict[int, tuple[str, int]] = {}
        self.images: dict[int, tuple[str, int]] = {}
        for position, version, size in source.list_metadata():
            every.add(position)
            block = names.block(position)
            if is_sampled(block) or is_sampled(block + 1):
                self.metadata[position] = version, size
        for position, version, size in source.list_images():
            every.add(position)
            if is_sampled(names.block(position)):
                self.images[position] = version, size
        self.bins = len(every)
        self.positions = sorted(position for position in every if is_sampled(names.block(position)))


def dataset_id(parameters: contract.Dataset, seed: int, sample: Sample) -> str:
    """A hash of all that determines a dataset's content: parameters, format, and the versions of all files read."""
    digest = hashlib.blake2b(digest_size=8)
    digest.update(json.dumps([FORMAT, seed, parameters.model_dump()], sort_keys=True).encode())
    for files in (sample.metadata, sample.images):
        for position in sorted(files):
            digest.update(repr((position, *files[position])).encode())
    return digest.hexdigest()


def batches(sample: Sample) -> Iterator[dict[str, Any]]:
    """Items of Catalogue's map: `BATCH` bins each, ascending."""
    for number, start in enumerate(range(0, len(sample.positions), BATCH)):
        batch = sample.positions[start : start + BATCH]
        yield {
            "batch": f"{number:05d}",
            "bins": [names.name(position) for position in batch],
            "withoutImage": [names.name(position) for position in batch if position not in sample.images],
        }
