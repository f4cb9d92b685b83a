"""Saving a running training and taking it up again, to the result of an uninterrupted one."""

from pathlib import Path
from typing import Any

from stocktake.failures import JobFailure
from stocktake.tensor_files import UnreadableTensors, read_tensors, write_tensors


class Checkpoints:
    """The newest checkpoint of one run in a folder that SageMaker copies to S3 and back.

    Parameters
    ----------
    folder
        Where checkpoints are kept.
    run
        What the run is made of; a checkpoint of another one is refused.
    """

    def __init__(self, folder: Path, run: dict[str, Any]):
        self.file = folder / "checkpoint.pt"
        self.run = run

    def save(self, state: dict[str, Any]) -> None:
        write_tensors(self.file, {"run": self.run, "state": state})

    def load(self) -> dict[str, Any] | None:
        """The saved state, or None at the start of a run.

        Raises
        ------
        JobFailure
            When the file is damaged or belongs to another run.
        """
        if not self.file.exists():
            return None
        remedy = "Delete it or give the job another checkpoint location."
        try:
            checkpoint = read_tensors(self.file)
            run, state = checkpoint["run"], checkpoint["state"]
        except (UnreadableTensors, KeyError, TypeError) as error:
            raise JobFailure(f"The checkpoint {self.file} cannot be read. {remedy}") from error
        differences = [
            f"{name} is {run.get(name)!r} there and {value!r} here"
            for name, value in self.run.items()
            if run.get(name) != value
        ]
        if differences:
            raise JobFailure(f"The checkpoint {self.file} belongs to another run: {', '.join(differences)}. {remedy}")
        return dict(state)
