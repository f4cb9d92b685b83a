"""Saving a running training and taking it up again, to the result of an uninterrupted one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stocktake.failures import JobFailure
from stocktake.tensor_files import UnreadableTensors, read_tensors, write_tensors

KEPT = 2
"""Checkpoints at a time. SageMaker copies them to S3 while training goes on, and may lose the instance meanwhile."""


class Checkpoints:
    """The checkpoints of one run in a folder that SageMaker copies to S3 and back.

    Each has a name of its own: a file that is replaced while it is copied would arrive as half of each.

    Parameters
    ----------
    folder
        Where checkpoints are kept.
    run
        What the run is made of; a checkpoint of another one is refused.
    """

    def __init__(self, folder: Path, run: Mapping[str, Any]):
        self.folder, self.run = folder, dict(run)

    def save(self, state: dict[str, Any], epoch: int, batch: int) -> None:
        """Save the state after so many batches of an epoch, and remove what newer ones have made useless."""
        write_tensors(self.folder / f"checkpoint-{epoch:04}-{batch:06}.pt", {"run": self.run, "state": state})
        for outdated in self._files()[KEPT:]:
            outdated.unlink()

    def load(self) -> dict[str, Any] | None:
        """The newest state that can be read, or None at the start of a run.

        Raises
        ------
        JobFailure
            When no file can be read, or the newest that can belongs to another run.
        """
        remedy = "Delete it or give the job another checkpoint location."
        files = self._files()
        for file in files:
            try:
                checkpoint = read_tensors(file)
                run, state = checkpoint["run"], checkpoint["state"]
            except (UnreadableTensors, KeyError, TypeError):
                print(f"checkpoint {file.name} cannot be read", flush=True)
                continue
            differences = [
                f"{name} is {run.get(name)!r} there and {value!r} here"
                for name, value in self.run.items()
                if run.get(name) != value
            ]
            if differences:
                raise JobFailure(f"The checkpoint {file} belongs to another run: {', '.join(differences)}. {remedy}")
            return dict(state)
        if files:
            raise JobFailure(f"The checkpoint {files[0]} cannot be read. {remedy}")
        return None

    def _files(self) -> list[Path]:
        """The newest first."""
        return sorted(self.folder.glob("checkpoint-*.pt"), reverse=True)
