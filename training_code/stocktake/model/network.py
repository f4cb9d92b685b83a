"""torchvision's classifiers as a trunk and a head for the counts, and which part of them learns."""

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models import get_model

RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
ARCHITECTURES = (*RESNETS, "mobilenet_v2")
TRAINABLE = ("head", "layer4", "all")

Weights = dict[str, Tensor]


def create_model(architecture: str, outputs: int) -> nn.Module:
    """Build an untrained classifier as torchvision has it: float (N, 3, S, S) -> logits (N, outputs)."""
    model: nn.Module = get_model(architecture, weights=None, num_classes=outputs).to(memory_format=torch.channels_last)
    return model


def create_trunk(architecture: str) -> nn.Module:
    """Build an untrained classifier without its head: float (N, 3, S, S) -> features (N, D)."""
    trunk = create_model(architecture, 1)
    setattr(trunk, head_name(architecture), nn.Identity())
    return trunk


def create_head(architecture: str, outputs: int) -> nn.Module:
    """Build an untrained head as torchvision initialises it: features (N, D) -> logits (N, outputs)."""
    linear = nn.Linear(features_of(architecture), outputs)
    if architecture != "mobilenet_v2":
        return linear
    nn.init.normal_(linear.weight, 0, 0.01)
    nn.init.zeros_(linear.bias)
    return nn.Sequential(nn.Dropout(0.2), linear)


def features_of(architecture: str) -> int:
    """How many numbers the trunk makes of an image, D."""
    return {"resnet18": 512, "resnet34": 512, "mobilenet_v2": 1280}.get(architecture, 2048)


def head_name(architecture: str) -> str:
    """What torchvision calls the head."""
    return "classifier" if architecture == "mobilenet_v2" else "fc"


def last_stage(architecture: str, trunk: nn.Module) -> list[nn.Module]:
    """The stage with the coarsest resolution: a ResNet's `layer4`, and what corresponds to it elsewhere."""
    if architecture == "mobilenet_v2":
        return [trunk.get_submodule(f"features.{block}") for block in range(14, 19)]
    return [trunk.get_submodule("layer4")]


class Network(nn.Module):
    """A trunk and a head, of which only some parts learn: float (N, 3, S, S) -> float32 logits (N, outputs).

    The frozen rest stays in evaluation mode, so that its batch norm statistics do not drift either. As no frozen
    parameter asks for a gradient, autograd records nothing before the first part that learns.

    Parameters
    ----------
    trunk
        None where the inputs are features already, (N, D); then only the head is there to learn.
    trainable
        `head`, `layer4` (the last stage and the head) or `all`.
    precision
        The number format that the trunk computes in. The head, which costs nothing, always takes float32.
    """

    def __init__(
        self,
        architecture: str,
        trunk: nn.Module | None,
        head: nn.Module,
        trainable: str,
        precision: torch.dtype = torch.float32,
    ):
        super().__init__()
        self.architecture, self.precision = architecture, precision
        self.trunk, self.head = trunk or nn.Identity(), head
        self._learning: list[nn.Module] = [head]
        if trunk is not None and trainable != "head":
            self._learning += [trunk] if trainable == "all" else last_stage(architecture, trunk)
        self.requires_grad_(False)
        for part in self._learning:
            part.requires_grad_(True)

    def forward(self, inputs: Tensor) -> Tensor:
        with torch.autocast(inputs.device.type, self.precision, enabled=self.precision != torch.float32):
            features = self.trunk(inputs)
        logits: Tensor = self.head(features.float())
        return logits

    def train(self, mode: bool = True) -> "Network":
        super().train(False)
        for part in self._learning:
            part.train(mode)
        return self

    def trainable_parameters(self) -> Iterator[nn.Parameter]:
        """The parameters that learn."""
        return (parameter for parameter in self.parameters() if parameter.requires_grad)

    def weights(self) -> Weights:
        """A copy of all tensors on the CPU, named as in torchvision's model."""
        name = head_name(self.architecture)
        named = self.trunk.state_dict() | {f"{name}.{key}": value for key, value in self.head.state_dict().items()}
        return {key: value.detach().cpu().clone() for key, value in named.items()}

    def load_weights(self, weights: Weights) -> None:
        """Take what `weights` gave."""
        prefix = f"{head_name(self.architecture)}."
        self.trunk.load_state_dict({k: value for k, value in weights.items() if not k.startswith(prefix)})
        self.head.load_state_dict({k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)})


def fastest_precision(device: torch.device) -> torch.dtype:
    """The number format for a trunk's forward pass: half the bits where the hardware computes faster with them."""
    if device.type == "cuda":
        # A T4 (ml.g4dn) emulates bfloat16 slowly and has float16 units.
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if native else torch.float16
    native = {"avx512_bf16", "amx_bf16"} & processor_flags()
    return torch.bfloat16 if native else torch.float32


def processor_flags(file: Path = Path("/proc/cpuinfo")) -> set[str]:
    """What the processor can do, in the kernel's words. PyTorch 2.10, which AWS's serving image has, cannot tell."""
    lines = file.read_text().splitlines() if file.exists() else []
    return next((set(line.split()[2:]) for line in lines if line.startswith("flags")), set())
