"""The processes of one training: one for each GPU of each instance, or a single one."""

import gc
import os
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.distributed.nn.functional import all_reduce  # Imported later it would keep the group alive for ever.
from torch.nn.parallel import DistributedDataParallel

from stocktake.model.network import Network

TIMEOUT = timedelta(minutes=10)


class World:
    """This process among those that train together. Alone, every operation gives back what it is given."""

    def __init__(self, rank: int = 0, size: int = 1):
        self.rank, self.size = rank, size
        self._wrapped: list[nn.Module] = []

    @property
    def is_main(self) -> bool:
        """Whether this process is the one that prints and saves."""
        return self.rank == 0

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum over all processes."""
        if self.size > 1:
            tensor = tensor.clone()
            distributed.all_reduce(tensor)
        return tensor

    def any(self, flag: bool) -> bool:
        """Whether it is true in any process. It is asked on the CPU, so that no GPU's work is waited for."""
        return flag if self.size == 1 else bool(self.sum(torch.tensor(int(flag))))

    def gather(self, value: Any) -> list[Any]:
        """The value of every process, by rank."""
        values: list[Any] = [value] * self.size
        if self.size > 1:
            distributed.all_gather_object(values, value)
        return values

    def wrap(self, network: Network, device: torch.device) -> Callable[[Tensor], Tensor]:
        """The network such that gradients are averaged over the processes, and batch norm sees the whole batch.

        What is given back can be called until this world ends.
        """
        if self.size == 1:
            return network
        if device.type == "cuda":
            nn.SyncBatchNorm.convert_sync_batchnorm(network)
        else:
            synchronise_batch_norm(network)
        # Statistics of batch norm are the same everywhere already.
        self._wrapped.append(DistributedDataParallel(network, forward_sync_buffers=False))
        return weakref.proxy(self._wrapped[-1])

    def release(self) -> None:
        """Let go of the wrapped networks, which has to come before the group of processes ends.

        As the group's last owner, a wrapper would wait for gloo's thread with the interpreter's lock in hand, which
        that thread needs to let go of its last tensors.
        """
        self._wrapped.clear()
        gc.collect()


@contextmanager
def joined_world() -> Iterator[World]:
    """Join the processes that torchrun has started, if it has."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield World()
        return
    _meet_where_sagemaker_says()
    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo", timeout=TIMEOUT)
    world = World(distributed.get_rank(), size)
    try:
        yield world
    finally:
        world.release()
    # Not after an error: others may still wait for this process, and nothing must come before its sentence is written.
    distributed.destroy_process_group()


def _meet_where_sagemaker_says() -> None:
    """Name the network between instances: by itself gloo binds whatever the host's own name stands for."""
    if interface := os.environ.get("SM_NETWORK_INTERFACE_NAME"):
        for backend in ("GLOO", "NCCL"):
            os.environ.setdefault(f"{backend}_SOCKET_IFNAME", interface)


class _SynchronisedBatchNorm2d(nn.BatchNorm2d):
    """Batch norm over the images of all processes, on the CPU, which torch's SyncBatchNorm refuses."""

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return super().forward(input)
        x = input.float()
        total = all_reduce(torch.cat([x.sum((0, 2, 3)), x.new_tensor([x[:, 0].numel()])]))
        count = total[-1].detach()
        mean = total[:-1] / count
        centred = x - mean.view(-1, 1, 1)
        variance = all_reduce(centred.square().sum((0, 2, 3))) / count
        with torch.no_grad():
            assert self.running_mean is not None
            assert self.running_var is not None
            assert self.num_batches_tracked is not None
            assert self.momentum is not None
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)
            self.num_batches_tracked.add_(1)
        scale = self.weight * (variance + self.eps).rsqrt()
        normalised: Tensor = centred * scale.view(-1, 1, 1) + self.bias.view(-1, 1, 1)
        return normalised.to(input.dtype)


def synchronise_batch_norm(network: nn.Module) -> None:
    """Let every batch norm of the network compute its statistics over all processes."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.__class__ = _SynchronisedBatchNorm2d
