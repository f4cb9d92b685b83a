"""Where a rehearsal's photos come from: a folder of the user's, or bins drawn for it."""

from __future__ import annotations

import sys
from pathlib import Path

from rehearsal import deploy
from rehearsal.aws import processes
from rehearsal.failures import BadArgument
from rehearsal.steps import Command

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


def drawing(folder: Path, log: Path) -> Command:
    """The command that draws the default synthetic bins into an empty folder."""
    argv = (sys.executable, "-m", "rehearsal", "bins", str(folder))
    return Command(argv, deploy.ROOT, processes.neutral_environment(), log)
