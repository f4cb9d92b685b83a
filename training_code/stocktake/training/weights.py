"""Where training starts: the weights of a file, or random ones that are the same for the same seed."""

import gzip
import io
import tarfile
import zlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from stocktake.failures import JobFailure
from stocktake.model.network import Weights, create_head, create_trunk, head_name
from stocktake.model.tensor_files import UnreadableTensors, read_tensors

SOURCES = ("none", "channel")
"""What the hyperparameter `weights` may be: random ones, or the file in the channel of that name."""


def starting_trunk(architecture: str, seed: int, weights: Weights | None) -> nn.Module:
    """The trunk that training starts from.

    Raises
    ------
    JobFailure
        When `weights` lacks tensors of the architecture, has unknown ones, or some of another shape.
    """
    torch.manual_seed(seed)
    trunk = create_trunk(architecture)
    if weights is not None:
        given = {name: value for name, value in weights.items() if not name.startswith(f"{head_name(architecture)}.")}
        _check_names(architecture, trunk.state_dict(), given)
        trunk.load_state_dict(given, strict=False)
    return trunk


def starting_head(architecture: str, outputs: int, seed: int, weights: Weights | None) -> nn.Module:
    """The head that training starts from: that of `weights` only when it has as many outputs."""
    # Apart from the trunk's draws, so that a job that needs no trunk starts from the same head.
    torch.manual_seed(seed)
    head = create_head(architecture, outputs)
    prefix = f"{head_name(architecture)}."
    given = {name.removeprefix(prefix): value for name, value in (weights or {}).items() if name.startswith(prefix)}
    shapes = {name: value.shape for name, value in head.state_dict().items()}
    if {name: value.shape for name, value in given.items()} == shapes:
        head.load_state_dict(given)
    return head


def read_weights(folder: Path | None) -> Weights:
    """Read the one file in the `weights` channel.

    It is a state_dict saved by `torch.save`, bare or under the key `state_dict` or `model`, or the model.tar.gz of a
    model that was trained before.

    Raises
    ------
    JobFailure
        When the channel does not hold exactly one such file, or it is damaged.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder and folder.is_dir() else []
    if len(files) != 1:
        raise JobFailure(
            f"The channel 'weights' must hold one file, not {len(files)}. Give the S3 URI of a state_dict file or of a "
            "trained model's model.tar.gz."
        )
    [file] = files
    try:
        content = _read_artifact(file) if file.name.endswith(".tar.gz") else read_tensors(file)
    except UnreadableTensors as error:
        raise JobFailure(f"Weights file {file.name} is no state_dict saved by torch.save.") from error
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, KeyError) as error:
        raise JobFailure(f"Weights file {file.name} is damaged or no trained model's artifact: {error}.") from error
    for key in ("state_dict", "model"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise JobFailure(f"Weights file {file.name} holds no state_dict (names to tensors).")
    return content


def _read_artifact(file: Path) -> Any:
    with tarfile.open(file, "r:gz") as archive:
        for member in archive:
            if Path(member.name) == Path("model.pt") and (content := archive.extractfile(member)):
                return read_tensors(io.BytesIO(content.read()))
    raise KeyError("it holds no model.pt")


def _check_names(architecture: str, own: Weights, given: Weights) -> None:
    # Files older than PyTorch 0.4.1 lack this counter, which inference does not use.
    missing = sorted(name for name in own.keys() - given.keys() if not name.endswith("num_batches_tracked"))
    unknown = sorted(given.keys() - own.keys())
    reshaped = sorted(name for name in own.keys() & given.keys() if given[name].shape != own[name].shape)
    for fault, names in (("lack", missing), ("have unknown", unknown), ("have other shapes for", reshaped)):
        if names:
            more = f" and {len(names) - 1} more tensors" if len(names) > 1 else ""
            raise JobFailure(
                f"The weights given {fault} {names[0]}{more} of {architecture}. Give weights of that architecture."
            )
