"""Each rehearsal's own folder under `.rehearsal/`; the last few are kept to look into."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

KEPT = 3


@contextmanager
def work_folder(home: Path) -> Iterator[Path]:
    """A new folder under `home`, locked while in use; older ones that nobody uses are removed but for the last few."""
    folder = home / f"{datetime.now():%Y%m%d-%H%M%S-%f}"
    folder.mkdir(parents=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _prune(home)
        yield folder


def _prune(home: Path) -> None:
    folders = sorted(path for path in home.iterdir() if path.is_dir())
    for folder in folders[:-KEPT]:
        with (folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            shutil.rmtree(folder, ignore_errors=True)
