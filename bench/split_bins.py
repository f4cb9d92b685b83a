"""Real bins in shards, split as the application splits them: groups of linked bins stay together."""

import io
import json
import tarfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bins import groups, metadata, names, sampling

SHARES = {"train": 0.9, "valid": 0.05, "test": 0.05}


@dataclass(frozen=True)
class Bin:
    """A photo in a source in the dataset's layout, its count, and the head of its group."""

    id: str
    count: int
    group: str
    photo: Path

    @property
    def facts(self) -> dict[str, Any]:
        """What a shard says of it, as Pack writes it."""
        return {name: value for name, value in vars(self).items() if name != "photo"}


def read_bins(source: Path, labels: tuple[int, ...] | None = None) -> list[Bin]:
    """The bins with one of the counts, or with any, in the order of their names."""
    found = {
        names.position(file.stem): metadata.parse(file.read_bytes()) for file in (source / "metadata").glob("*.json")
    }
    heads = groups.heads({position: its.skus for position, its in found.items()}, lambda _: frozenset())
    return [
        Bin(name, its.quantity, names.name(heads[position]), photo)
        for position, its in sorted(found.items())
        if its.quantity is not None
        and (labels is None or its.quantity in labels)
        and (photo := source / "bin-images" / f"{(name := names.name(position))}.jpg").exists()
    ]


def split_bins(bins: list[Bin], seed: int = 0, shares: dict[str, float] = SHARES) -> dict[str, list[Bin]]:
    """Bins by split, each group in one of them."""
    found: defaultdict[str, list[Bin]] = defaultdict(list)
    for bin_ in bins:
        found[sampling.assigned_split(bin_.group, shares, seed)].append(bin_)
    return dict(found)


def write_shard(shard: Path, bins: list[Bin]) -> None:
    """A tar shard with the photos' own bytes, in WebDataset naming."""
    shard.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(shard, "w") as tar:
        for bin_ in bins:
            facts = json.dumps(bin_.facts).encode()
            for name, content in ((f"{bin_.id}.jpg", bin_.photo.read_bytes()), (f"{bin_.id}.json", facts)):
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
