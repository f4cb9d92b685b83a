"""Saving a running training and taking it up again, to the result of an uninterrupted one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stocktake.failures import JobFailure
from stocktake.model.tensor_files import UnreadableTensors, read_tensors, write_tensors


class Checkpoints:
    """The two newest checkpoints of one run in a folder that SageMaker copies to S3 and back.

    They take turns: a file that is replaced while it is copied arrives as half of each, and then there is the other.

    Parameters
    ----------
    folder
        Where checkpoints are kept.
    run
        What the run is made of; a checkpoint of another one is refused.
    """

    def __init__(self, folder: Path, run: Mapping[str, Any]):
        self.folder, self.run = folder, dict(run)

    def save(self, state: dict[str, Any], number: int) -> None:
        """Save the state as the n-th one of the run."""
        content = {"run": self.run, "number": number, "state": state}
        write_tensors(self.folder / f"checkpoint-{number % 2}.pt", content)

    def load(self) -> dict[str, Any] | None:
        """The newest state that can be read, or None at the start of a run.

        Raises
        ------
        JobFailure
            When no file can be read, or one belongs to another run.
        """
        remedy = "Delete it or give the job another checkpoint location."
        newest: dict[str, Any] | None = None
        unreadable: list[Path] = []
        for file in sorted(self.folder.glob("checkpoint-*.pt")):
            try:
                checkpoint = read_tensors(file)
                run, number, _ = checkpoint["run"], checkpoint["number"], checkpoint["state"]
            except (UnreadableTensors, KeyError, TypeError):
                print(f"checkpoint {file.name} cannot be read", flush=True)
                unreadable.append(file)
                continue
            differences = [
                f"{name} is {run.get(name)!r} there and {value!r} here"
                for name, value in self.run.items()
                if run.get(name) != value
            ]
            if differences:
                raise JobFailure(f"The checkpoint {file} belongs to another run: {', '.join(differences)}. {remedy}")
            if newest is None or number > newest["number"]:
                newest = checkpoint
        if newest is None and unreadable:
            raise JobFailure(f"The checkpoint {unreadable[0]} cannot be read. {remedy}")
        return dict(newest["state"]) if newest else None
