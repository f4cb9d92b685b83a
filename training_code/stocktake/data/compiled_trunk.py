"""A frozen trunk compiled for the CPU: the same features, bit for bit, in less time.

In bfloat16 a third of a ResNet-50's time goes into reading and writing what convolutions leave: batch norm, ReLU and
the sum with the shortcut each take a pass over memory. Compiled, they are one pass. Values stay the same because the
compiled code rounds wherever torch's own operators round; the first batches are computed both ways to see it.
"""

import time
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

WORTHWHILE = 180.0
"""Seconds of work from which compiling pays: it takes 10 s (MobileNetV2) to 60 s (ResNet-152) and saves a quarter."""

# `emulate_precision_casts`: round to bfloat16 between operators that are compiled into one. Contraction: multiply and
# add with one rounding, as torch's batch norm does.
OPTIONS: dict[str, Any] = {"emulate_precision_casts": True, "cpp.enable_floating_point_contract_flag": "fast"}


class CompiledTrunk(nn.Module):
    """Computes as the trunk does, in autocast to bfloat16 on a CPU; compiles it if that will pay.

    Parameters
    ----------
    trunk
        In evaluation mode.
    batch_size
        Images of a batch that is compiled for. Others, such as a shard's last, are computed by the trunk itself.
    batches
        How many of these there will be.
    """

    def __init__(self, trunk: nn.Module, batch_size: int, batches: float):
        super().__init__()
        self.trunk, self.batch_size, self.batches = trunk, batch_size, batches
        self._compiled: Callable[[Tensor], Tensor] | None = None
        self._seen = 0

    @property
    def is_compiled(self) -> bool:
        """Whether whole batches are computed by compiled code from now on."""
        return self._compiled is not None

    def forward(self, images: Tensor) -> Tensor:
        if len(images) != self.batch_size:
            return self._as_it_is(images)
        if self._compiled is not None:
            return self._fast(self._compiled, images)
        started = time.perf_counter()
        features = self._as_it_is(images)
        self._seen += 1
        # The first one also warms up.
        if self._seen == 2 and (time.perf_counter() - started) * self.batches > WORTHWHILE:
            self._compile(images, features)
        return features

    def _as_it_is(self, images: Tensor) -> Tensor:
        features: Tensor = self.trunk(images)
        return features

    def _fast(self, compiled: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
        with torch.autocast("cpu", enabled=False):
            return compiled(images.bfloat16())

    def _compile(self, images: Tensor, features: Tensor) -> None:
        """Use compiled code from now on, if there is a compiler and its code gives these features of the images."""
        started = time.perf_counter()
        try:
            compiled = torch.compile(in_bfloat16(self.trunk), dynamic=False, options=OPTIONS)
            same = torch.equal(self._fast(compiled, images), features)
        except Exception as error:
            # torch's own first line only names its backend.
            cause = getattr(error, "inner_exception", error)
            print(f"The trunk is not compiled: {' '.join(str(cause).split())[:500]}", flush=True)
            return
        seconds = time.perf_counter() - started
        if same:
            self._compiled = compiled
        verdict = "its values are the same" if same else "not used, as its values differ"
        print(f"The trunk is compiled in {seconds:.0f} s: {verdict}", flush=True)


def fastest(trunk: nn.Module, precision: torch.dtype, device: torch.device, views: float, batch_size: int) -> nn.Module:
    """The trunk, in evaluation mode, made ready for so many pictures: on a CPU in bfloat16 it may be compiled."""
    if device.type == "cpu" and precision == torch.bfloat16:
        return CompiledTrunk(trunk.eval(), batch_size, views / batch_size)
    return trunk.eval()


def in_bfloat16(trunk: nn.Module) -> nn.Module:
    """A copy that needs no autocast: convolutions in bfloat16, each batch norm as the product and sum that it is."""
    copy = deepcopy(trunk)
    for module in list(copy.modules()):
        for name, part in list(module.named_children()):
            if isinstance(part, nn.Conv2d):
                part.bfloat16()
            elif isinstance(part, nn.BatchNorm2d):
                setattr(module, name, _ScaleAndShift(part))
    return copy


class _ScaleAndShift(nn.Module):
    """A batch norm in evaluation mode, rounded as torch's own operator rounds on a CPU."""

    scale: Tensor
    shift: Tensor

    def __init__(self, norm: nn.BatchNorm2d):
        super().__init__()
        assert norm.running_mean is not None
        assert norm.running_var is not None
        scale = (norm.running_var + norm.eps).rsqrt() * norm.weight.detach()
        # In float64 the product is exact: rounded once, as by the processor's fused instruction.
        shift = norm.bias.detach().double() - norm.running_mean.double() * scale.double()
        self.register_buffer("scale", scale[:, None, None])
        self.register_buffer("shift", shift.float()[:, None, None])

    def forward(self, images: Tensor) -> Tensor:
        return (images.float() * self.scale + self.shift).to(images.dtype)
