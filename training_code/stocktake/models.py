"""torchvision's classifiers with a head for the counts, and which part of them learns."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from urllib.error import URLError

import torch
from torch import Tensor, nn
from torchvision.models import get_model, get_model_weights

from stocktake.failures import JobFailure
from stocktake.tensor_files import UnreadableTensors, read_tensors

RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
ARCHITECTURES = (*RESNETS, "mobilenet_v2")
TRAINABLE = ("head", "layer4", "all")

Weights = dict[str, Tensor]


def create_model(architecture: str, outputs: int) -> nn.Module:
    """Build an untrained classifier: float (N, 3, S, S) -> logits (N, outputs)."""
    model: nn.Module = get_model(architecture, weights=None, num_classes=outputs).to(memory_format=torch.channels_last)
    return model


def head_of(architecture: str) -> str:
    """The name of the last linear layer."""
    return "classifier.1" if architecture == "mobilenet_v2" else "fc"


def trainable_parts(architecture: str, trainable: str) -> tuple[str, ...]:
    """Names of the modules that learn; `""` is the whole network.

    `layer4` is the last stage, the one with the coarsest resolution, also where it has another name.
    """
    if trainable == "all":
        return ("",)
    if architecture == "mobilenet_v2":
        last_stage = tuple(f"features.{block}" for block in range(14, 19))
        return ("classifier",) if trainable == "head" else (*last_stage, "classifier")
    return ("fc",) if trainable == "head" else ("layer4", "fc")


class Trainee:
    """A model of which only some parts learn.

    The frozen rest stays in evaluation mode, so that its batch norm statistics do not drift either. As no
    frozen parameter asks for a gradient, autograd records nothing before the first part that learns.
    """

    def __init__(self, model: nn.Module, parts: Sequence[str]):
        self.model = model
        self.parts = [model.get_submodule(part) for part in parts]
        model.requires_grad_(False)
        for part in self.parts:
            part.requires_grad_(True)

    def train(self) -> None:
        self.model.eval()
        for part in self.parts:
            part.train()

    def parameters(self) -> list[nn.Parameter]:
        return [parameter for parameter in self.model.parameters() if parameter.requires_grad]


def load_imagenet(model: nn.Module, architecture: str) -> None:
    """Start from torchvision's ImageNet weights, downloaded once and checked by the hash in their name.

    The first edition of the weights (IMAGENET1K_V1), as the later recipes give worse features to a new head.

    Raises
    ------
    JobFailure
        When they cannot be had or are not what their name says.
    """
    url = get_model_weights(architecture)["IMAGENET1K_V1"].url
    try:
        weights = torch.hub.load_state_dict_from_url(url, map_location="cpu", weights_only=True, progress=False)
        _check_hash(Path(torch.hub.get_dir(), "checkpoints", url.rsplit("/", 1)[-1]))
    except URLError as error:
        raise JobFailure(
            f"Hyperparameter weights: imagenet needs {url}, which cannot be reached ({error.reason}). Put that "
            "file into S3 and give its URI as weights."
        ) from error
    load_weights(model, architecture, weights, f"torchvision's ImageNet weights of {architecture}")


def load_weights_file(model: nn.Module, architecture: str, folder: Path | None) -> None:
    """Start from the one file in the `weights` channel, a state_dict saved by `torch.save`.

    Raises
    ------
    JobFailure
        When the channel does not hold exactly one such file, or it does not fit the architecture.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder and folder.is_dir() else []
    if len(files) != 1:
        raise JobFailure(
            f"The channel 'weights' must hold one file, not {len(files)}. Give the S3 URI of a state_dict file."
        )
    try:
        weights = read_tensors(files[0])
    except UnreadableTensors as error:
        raise JobFailure(f"Weights file {files[0].name} is no state_dict saved by torch.save.") from error
    if not isinstance(weights, dict) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise JobFailure(f"Weights file {files[0].name} holds no state_dict (names to tensors).")
    load_weights(model, architecture, weights, f"weights file {files[0].name}")


def load_weights(model: nn.Module, architecture: str, weights: Weights, source: str) -> None:
    """Load a trunk; its head is taken over only when it has as many outputs as the model.

    Raises
    ------
    JobFailure
        When tensors of the trunk are missing, unknown, or of another shape.
    """
    own, head = model.state_dict(), head_of(architecture)
    head_fits = all(name in weights and weights[name].shape == own[name].shape for name in own if name.startswith(head))
    wanted = {name for name in own if head_fits or not name.startswith(head)}
    given = {name: value for name, value in weights.items() if head_fits or not name.startswith(head)}
    # Files older than PyTorch 0.4.1 lack this counter, which inference does not use.
    missing = sorted(name for name in wanted - given.keys() if not name.endswith("num_batches_tracked"))
    unknown = sorted(given.keys() - wanted)
    reshaped = sorted(name for name in wanted & given.keys() if given[name].shape != own[name].shape)
    for fault, names in (("lacks", missing), ("has unknown", unknown), ("has other shapes for", reshaped)):
        if names:
            more = f" and {len(names) - 1} more tensors" if len(names) > 1 else ""
            raise JobFailure(
                f"The {source} {fault} {names[0]}{more} of {architecture}. Give weights of that architecture."
            )
    model.load_state_dict(given, strict=False)


def _check_hash(file: Path) -> None:
    # torch.hub compares the hash only while downloading; a file that was put into its folder counts too.
    expected = file.stem.rsplit("-", 1)[-1]
    with file.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if not found.startswith(expected):
        raise JobFailure(f"{file} is damaged: its SHA-256 begins {found[:8]}, not {expected}. Delete it.")
