"""Which bins of a source make a dataset, and its id, a hash of all that determines its content."""

import hashlib
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from bins import names, sampling
from bins.source import Source
from run import contract

FORMAT = 4
"""Raise it with every change of what the data steps write: datasets from before are then made anew."""

BATCH = 1000
"""Bins that one Catalogue function reads."""


class Sample:
    """The bins of a source that a dataset takes: whole blocks of consecutive names, or those of a list.

    Attributes:
        bins: how many bins the source has in all.
        positions: the sampled bins, ascending; all of a list, those too that the source does not have.
        metadata, images: version and size of the sampled bins' files by position; of `metadata` also those of the block
            before each sampled one, where the chain of its first bin may begin, and the same of `copies`.
        copies: for sampled bins whose photo others of the source have, too: the first bin with it. S3's version of what
            was uploaded in one part is its MD5, so the same version and size are the same bytes.
    """

    def __init__(self, source: Source, fraction: float | None, listed: frozenset[int] | None, seed: int) -> None:
        """Lists the source. Of `fraction` and `listed` one is None."""
        blocks = {names.block(position) for position in listed or ()}

        @cache
        def is_sampled(block: int) -> bool:
            return block in blocks if fraction is None else sampling.is_sampled(block, fraction, seed)

        def takes(position: int) -> bool:
            return is_sampled(names.block(position)) if listed is None else position in listed

        every: set[int] = set()
        first_with: dict[tuple[str, int], int] = {}
        copied: set[tuple[str, int]] = set()
        self.images: dict[int, tuple[str, int]] = {}
        for position, version, size in source.list_images():
            every.add(position)
            photo = version, size
            if takes(position):
                self.images[position] = photo
            first = first_with.setdefault(photo, position)
            if first != position and size:  # An empty file is no photo.
                copied.add(photo)
                first_with[photo] = min(first, position)
        self.copies = {position: first_with[photo] for position, photo in self.images.items() if photo in copied}

        read = {names.block(first) for first in self.copies.values()}
        self.metadata: dict[int, tuple[str, int]] = {}
        for position, version, size in source.list_metadata():
            every.add(position)
            block = names.block(position)
            if is_sampled(block) or is_sampled(block + 1) or block in read or block + 1 in read:
                self.metadata[position] = version, size
        self.bins = len(every)
        self.positions = sorted(filter(takes, every) if listed is None else listed)


def dataset_id(parameters: contract.Dataset, seed: int, sample: Sample, left_out: frozenset[int] | None = None) -> str:
    """A hash of all that determines a dataset's content: parameters, format, and the versions of all files read.

    A list counts by the bins that it names; `left_out` are those not to train on.
    """
    digest = hashlib.blake2b(digest_size=8)
    described = parameters.model_dump(exclude={"files", "leave_out"})
    digest.update(json.dumps([FORMAT, seed, described], sort_keys=True).encode())
    digest.update(repr(sample.positions if parameters.files else None).encode())
    for files in (sample.metadata, sample.images):
        for position in sorted(files):
            digest.update(repr((position, *files[position])).encode())
    digest.update(repr(sorted(sample.copies.items())).encode())
    if left_out:
        digest.update(repr(("leave out", sorted(left_out))).encode())
    return digest.hexdigest()


def batches(sample: Sample) -> Iterator[dict[str, Any]]:
    """Items of Catalogue's map: `BATCH` bins each, ascending."""
    for number, start in enumerate(range(0, len(sample.positions), BATCH)):
        batch = sample.positions[start : start + BATCH]
        yield {
            "batch": f"{number:05d}",
            "bins": [names.name(position) for position in batch],
            "withoutImage": [names.name(position) for position in batch if position not in sample.images],
            "copies": {
                names.name(position): names.name(sample.copies[position])
                for position in batch
                if position in sample.copies
            },
        }
