"""Real bins in shards, split as the application splits them: groups of linked bins stay together."""

import io
import json
import tarfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from bins import groups, names, sampling

SHARES = {"train": 0.9, "valid": 0.05, "test": 0.05}


@dataclass(frozen=True)
class Bin:
    """A photo in a source in the dataset's layout, how many items it shows, and the head of its group."""

    id: str
    count: int
    group: str
    photo: Path


def read_bins(source: Path, labels: tuple[int, ...]) -> list[Bin]:
    """The bins with one of the counts, in the order of their names."""
    counts: dict[int, int] = {}
    skus: dict[int, groups.Skus] = {}
    for file in (source / "metadata").glob("*.json"):
        metadata = json.loads(file.read_text())
        position = names.position(file.stem)
        skus[position] = frozenset(metadata["BIN_FCSKU_DATA"])
        counts[position] = metadata["EXPECTED_QUANTITY"]
    heads = groups.heads(skus, lambda _: frozenset())
    return [
        Bin(name, counts[position], names.name(heads[position]), photo)
        for position in sorted(counts)
        if counts[position] in labels
        and (photo := source / "bin-images" / f"{(name := names.name(position))}.jpg").exists()
    ]


def split_bins(bins: list[Bin], seed: int = 0) -> dict[str, list[Bin]]:
    """Bins by split, each group in one of them."""
    found: defaultdict[str, list[Bin]] = defaultdict(list)
    for bin_ in bins:
        found[sampling.assigned_split(bin_.group, SHARES, seed)].append(bin_)
    return dict(found)


def write_shard(shard: Path, bins: list[Bin]) -> None:
    """A tar shard with the photos' own bytes, in WebDataset naming."""
    shard.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(shard, "w") as tar:
        for bin_ in bins:
            label = json.dumps({"id": bin_.id, "count": bin_.count, "group": bin_.group}).encode()
            for name, content in ((f"{bin_.id}.jpg", bin_.photo.read_bytes()), (f"{bin_.id}.json", label)):
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
