"""Synthetic bins as files in the data set's layout: `bin-images/<id>.jpg` and `metadata/<id>.json`."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rehearsal.bins.metadata import metadata
from rehearsal.bins.population import Bin, bin_at, shot
from rehearsal.bins.scene import photo

Sequence = Literal["padded", "unpadded"]
Oddity = Literal[
    "null measure",
    "extra key",
    "truncated image",
    "not an image",
    "missing metadata",
    "missing image",
    "unparsable metadata",
]
# Which bins are odd, by number in the padded sequence. Five of them are faults that a reader has to reject: few enough
# that a sample of any size stays usable.
ODDITIES: dict[int, Oddity] = {
    9: "null measure",
    17: "extra key",
    31: "truncated image",
    58: "missing metadata",
    85: "not an image",
    112: "missing image",
    139: "unparsable metadata",
}
PADDED_PER_UNPADDED = 50


@dataclass(frozen=True)
class BinFiles:
    """The two files of one bin; None where the file is missing."""

    id: str
    image: bytes | None
    metadata: bytes | None


def write_bins(folder: Path, count: int, seed: int) -> None:
    """Write `count` bins into a folder in the data set's layout; the same seed gives the same bytes.

    Ids run from `00001`; one bin in fifty has an unpadded name (`1`, `2`, ...) and differs from its padded namesake.
    """
    images, sidecars = folder / "bin-images", folder / "metadata"
    images.mkdir(parents=True, exist_ok=True)
    sidecars.mkdir(parents=True, exist_ok=True)
    for files in bins(count, seed):
        if files.image is not None:
            (images / f"{files.id}.jpg").write_bytes(files.image)
        if files.metadata is not None:
            (sidecars / f"{files.id}.json").write_bytes(files.metadata)


def bins(count: int, seed: int) -> Iterator[BinFiles]:
    """Draw the bins one after the other; a larger `count` only adds bins."""
    unpadded = count // PADDED_PER_UNPADDED
    for number in range(1, count - unpadded + 1):
        yield bin_files(seed, "padded", number)
    for number in range(1, unpadded + 1):
        yield bin_files(seed, "unpadded", number)


def bin_files(seed: int, sequence: Sequence, number: int) -> BinFiles:
    contents = bin_at(seed, sequence, number)
    oddity = ODDITIES.get(number) if sequence == "padded" else None
    return BinFiles(
        id=f"{number:05d}" if sequence == "padded" else str(number),
        image=_image(contents, seed, sequence, number, oddity),
        metadata=_metadata(contents, oddity),
    )


def _image(contents: Bin, seed: int, sequence: Sequence, number: int, oddity: Oddity | None) -> bytes | None:
    if oddity == "missing image":
        return None
    encoded = io.BytesIO()
    if oddity == "not an image":
        with zipfile.ZipFile(encoded, "w") as archive:
            archive.writestr(zipfile.ZipInfo("readme.txt"), "Not a photo of a bin.")
        return encoded.getvalue()
    rng = shot(seed, sequence, number)
    photo(contents.items, contents.view, rng).save(encoded, "JPEG", quality=rng.randint(72, 90))
    data = encoded.getvalue()
    return data[: len(data) // 3] if oddity == "truncated image" else data


def _metadata(contents: Bin, oddity: Oddity | None) -> bytes | None:
    if oddity == "missing metadata":
        return None
    fields: dict[str, Any] = metadata(contents)
    if oddity == "null measure":
        for entry in fields["BIN_FCSKU_DATA"].values():
            entry["weight"] = None
    if oddity == "extra key":
        fields["image_fname"] = "bin.jpg"
    text = json.dumps(fields, indent=4, sort_keys=True)
    return (text[: len(text) // 2] if oddity == "unparsable metadata" else text).encode()
