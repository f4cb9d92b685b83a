"""Tensors in files: torch.save and torch.load for the cases in which they go wrong."""

import io
from pathlib import Path
from typing import Any

import torch


class UnreadableTensors(ValueError):
    """The file was not saved by torch.save, or is damaged."""


def write_tensors(file: Path, content: object) -> None:
    """Save without ever leaving half a file; a failed write is an OSError, which torch.save's is not."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    unfinished = file.with_suffix(".part")
    unfinished.write_bytes(buffer.getbuffer())
    unfinished.replace(file)


def read_tensors(file: Path | io.BytesIO) -> Any:
    """Load tensors and plain values to the CPU; nothing in the file is executed.

    Raises
    ------
    UnreadableTensors
        When the content cannot be read, OSError when the file cannot.
    """
    content = io.BytesIO(file.read_bytes()) if isinstance(file, Path) else file
    try:
        return torch.load(content, map_location="cpu", weights_only=True)
    except Exception as error:  # what torch.load raises depends on which bytes it stumbles over
        name = file.name if isinstance(file, Path) else "the content"
        raise UnreadableTensors(f"{name} was not saved by torch.save or is damaged") from error
