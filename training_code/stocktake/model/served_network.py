"""A trained network made ready to answer: batch norm folded away, one number format, channels last."""

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from stocktake.model.network import fastest_precision, head_name

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
"""Number formats by the names that packages, metrics and answers have for them."""


class ServedNetwork(nn.Module):
    """What evaluation and endpoint compute with: float32 (N, 3, S, S) -> float32 logits (N, outputs).

    The head costs nothing and always takes float32: rounded logits would move probabilities by whole per cents.

    Parameters
    ----------
    network
        torchvision's classifier, in evaluation mode; it is taken apart.
    precision
        A name of `PRECISIONS`: the format that the trunk computes in.
    """

    def __init__(self, architecture: str, network: nn.Module, precision: str):
        super().__init__()
        self.precision = precision
        self._dtype = PRECISIONS[precision]
        self.head = network.get_submodule(head_name(architecture))
        setattr(network, head_name(architecture), nn.Identity())
        fold_batch_norm(network)
        self.trunk = network.to(dtype=self._dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.eval().requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.trunk(images.to(self._dtype)).float())
        return logits


def fold_batch_norm(network: nn.Module) -> None:
    """Make each batch norm part of the convolution before it, in place: in evaluation both are linear.

    In torchvision's networks a batch norm is registered directly behind its convolution.
    """
    convolution: tuple[nn.Module, str, nn.Conv2d] | None = None
    for module in list(network.modules()):
        for name, part in list(module.named_children()):
            if isinstance(part, nn.Conv2d):
                convolution = (module, name, part)
            elif isinstance(part, nn.BatchNorm2d):
                assert convolution is not None
                assert convolution[0] is module
                setattr(module, convolution[1], fuse_conv_bn_eval(convolution[2], part))
                setattr(module, name, nn.Identity())


def native_precision() -> str:
    """The fastest format that this machine's CPU computes in by itself."""
    return str(fastest_precision(torch.device("cpu"))).removeprefix("torch.")
