"""Small shards of drawn bins: so many white squares on a dark, noisy ground."""

import io
import json
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

LABELS = (1, 2, 3)


def draw_bin(count: int, seed: int, side: int = 48) -> bytes:
    """A JPEG of `count` squares on the cells of a 3x3 grid."""
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 60, (side, side, 3), dtype=np.uint8)
    cell = side // 3
    for place in random.choice(9, count, replace=False):
        y, x = divmod(int(place), 3)
        pixels[y * cell + 2 : (y + 1) * cell - 2, x * cell + 2 : (x + 1) * cell - 2] = 230
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=90)
    return file.getvalue()


def write_tar(shard: Path, members: Iterable[tuple[str, bytes]]) -> Path:
    shard.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(shard, "w") as tar:
        for name, content in members:
            header = tarfile.TarInfo(name)
            header.size = len(content)
            tar.addfile(header, io.BytesIO(content))
    return shard


def write_split(
    folder: Path, split: str, images: int, seed: int = 0, shards: int = 1, counts: Sequence[int] = LABELS
) -> Path:
    """`images` bins whose counts go round `counts`, over some shards. Returns the split's folder."""
    for shard in range(shards):
        members = []
        for i in range(shard, images, shards):
            count = counts[i % len(counts)]
            label = {"id": f"{split}{i:04}", "count": count, "group": f"g{i}"}
            members += [
                (f"{label['id']}.jpg", draw_bin(count, seed * 10_000 + i)),
                (f"{label['id']}.json", json.dumps(label).encode()),
            ]
        write_tar(folder / split / f"{split}-{shard:05}.tar", members)
    return folder / split
