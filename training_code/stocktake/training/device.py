"""Where to compute: on the GPU, and not by mistake on the CPU of an instance that has one, which takes for ever."""

import os
from pathlib import Path

import torch

from stocktake.failures import JobFailure


def usable_device(devices: Path = Path("/dev")) -> torch.device:
    """The GPU where there is one, else the CPU.

    With `CUDA_VISIBLE_DEVICES` set to nothing the CPU is what is wanted.

    Raises
    ------
    JobFailure
        When the NVIDIA driver has a GPU, in `devices`, that this PyTorch, which is built for GPUs, cannot use.
    """
    if torch.cuda.is_available():
        return torch.device("cuda")
    wanted = torch.version.cuda is not None and os.environ.get("CUDA_VISIBLE_DEVICES") != ""
    if wanted and any(devices.glob("nvidia[0-9]*")):
        raise JobFailure(
            f"This instance has a GPU that PyTorch {torch.__version__} cannot use: {_reason()} "
            f"Use an instance type whose driver runs CUDA {torch.version.cuda}, or one without GPUs."
        )
    return torch.device("cpu")


def usable_devices() -> list[torch.device]:
    """Every GPU of this instance where there are any, else the CPU; errors as `usable_device`."""
    device = usable_device()
    if device.type == "cpu":
        return [device]
    return [torch.device(device.type, number) for number in range(torch.cuda.device_count())]


def take(device: torch.device) -> None:
    """Make this device the process's own, and fast: batches are of one size, so cuDNN may try out how to compute them.

    A CPU needs nothing.
    """
    if device.type == "cuda":
        if device.index is not None:
            torch.cuda.set_device(device)
        torch.backends.cudnn.benchmark = True


def _reason() -> str:
    try:
        torch.cuda.init()
    except (RuntimeError, AssertionError) as error:
        return str(error).strip().splitlines()[0].rstrip(".") + "."
    return "no device is visible."
