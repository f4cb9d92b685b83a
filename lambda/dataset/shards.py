"""Shards: which bins each one holds, and tar files in WebDataset's naming.

They are equal byte for byte whenever their content is equal.
"""

import io
import json
import math
import tarfile
from collections.abc import Callable
from typing import IO, Any

from bins.sampling import unit_hash
from dataset.assignment import TRAINING, Bin
from dataset.planned import PlannedDataset

SHARD_BYTES = 100_000_000
TRAIN_SHARDS = 4
"""At least, so that a few instances can share the training data."""


def open_shard(file: IO[bytes]) -> tarfile.TarFile:
    """An empty shard that is written to `file`; closing it leaves the file open."""
    return tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT)


def add_sample(shard: tarfile.TarFile, name: str, photo: bytes, facts: dict[str, Any]) -> None:
    """Append a sample: its photo as `<name>.jpg`, the source's own name, and its facts as `<name>.json`."""
    for suffix, content in (("jpg", photo), ("json", json.dumps(facts, separators=(",", ":")).encode())):
        # A fresh TarInfo has no owner, no time and a fixed mode: nothing of the machine gets in.
        info = tarfile.TarInfo(f"{name}.{suffix}")
        info.size = len(content)
        shard.addfile(info, io.BytesIO(content))


def packed_bytes(dataset: PlannedDataset, split: str) -> float:
    """About how many bytes a bin takes in a shard of `split`: what is larger shrinks for training to 0.3 bytes a pixel
    of the square; the rest is tar headers and metadata."""
    image = dataset.listing.image_bytes / max(1, dataset.listing.sampled)
    return (min(image, 0.3 * dataset.parameters.image_size**2) if split in TRAINING else image) + 2048


def plan_shards(splits: dict[str, list[Bin]], bin_bytes: Callable[[str], float], seed: int) -> dict[str, list[Bin]]:
    """What each shard holds, by name such as train-00000. `bin_bytes`: about how many a bin of a split takes.

    Bins are in shuffled order, for readers that go through a shard from its beginning, and spread evenly.
    """
    shards: dict[str, list[Bin]] = {}
    for name, bins in splits.items():
        wanted = math.ceil(len(bins) * bin_bytes(name) / SHARD_BYTES)
        number = min(len(bins), max(wanted, TRAIN_SHARDS if name in TRAINING else 1))
        shuffled = sorted(bins, key=lambda bin_: (unit_hash(f"order {seed}", bin_.id), bin_.id))
        for index in range(number):
            part = slice(index * len(bins) // number, (index + 1) * len(bins) // number)
            shards[f"{name}-{index:05d}"] = shuffled[part]
    return shards
