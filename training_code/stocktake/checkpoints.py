"""Saving a running training and taking it up again, to the result of an uninterrupted one."""

import io
import pickle
from pathlib import Path
from typing import Any

import torch

from stocktake.failures import JobFailure


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
            checkpoint = torch.load(self.file, map_location="cpu", weights_only=True)
            run, state = checkpoint["run"], checkpoint["state"]
        except (RuntimeError, EOFError, pickle.UnpicklingError, KeyError, TypeError) as error:
            raise JobFailure(f"The checkpoint {self.file} cannot be read. {remedy}") from error
        differences = [
            f"{name} is {run.get(name)!r} there and {value!r} here"
            for name, value in self.run.items()
            if run.get(name) != value
        ]
        if differences:
            raise JobFailure(f"The checkpoint {self.file} belongs to another run: {', '.join(differences)}. {remedy}")
        return dict(state)


def write_tensors(file: Path, content: object) -> None:
    """torch.save that never leaves half a file, and whose failures keep their errno."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    unfinished = file.with_suffix(".part")
    unfinished.write_bytes(buffer.getbuffer())
    unfinished.replace(file)
