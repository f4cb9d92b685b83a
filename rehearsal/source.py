"""Where a rehearsal's photos come from: a folder of the user's, or bins drawn for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rehearsal.bins import write_bins
from rehearsal.failures import BadArgument

SYNTHETIC_BINS = 800
SYNTHETIC_SEED = 0


def check_layout(folder: Path) -> None:
    """BadArgument unless the folder has the data set's layout."""
    if not folder.is_dir():
        raise BadArgument(f"--source: {folder} is no folder; give one that holds bin-images/ and metadata/.")
    missing = [name for name in ("bin-images", "metadata") if not (folder / name).is_dir()]
    if missing:
        raise BadArgument(
            f"--source: {folder} has no folder {' and no folder '.join(missing)}; "
            "bins come as bin-images/<id>.jpg and metadata/<id>.json."
        )


def draw(folder: Path, say: Callable[[str], None]) -> None:
    """Draw the default synthetic bins into a folder."""

    def written(done: int) -> None:
        if done % 40 == 0:
            say(f"{done}/{SYNTHETIC_BINS}")

    write_bins(folder, SYNTHETIC_BINS, SYNTHETIC_SEED, written)
