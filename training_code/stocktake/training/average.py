"""The exponential average of a network's weights over the steps."""

from copy import deepcopy
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from stocktake.model.network import Network


class Average:
    """An average of a network's weights and of its statistics, which moves a little with every step.

    Parameters
    ----------
    network
        What to average; the average starts there. Not yet wrapped for several processes.
    decay
        The share of the average that a step keeps. In the first steps less is kept, (1 + t) / (10 + t) at step t, so
        that what training started from is soon forgotten.
    """

    def __init__(self, network: Network, decay: float):
        self.network, self.decay = deepcopy(network).eval().requires_grad_(False), decay

    @torch.no_grad()
    def update(self, network: Network, steps: int) -> None:
        """Move towards `network`, which has done so many steps."""
        kept = min(self.decay, (1 + steps) / (10 + steps))
        torch._foreach_lerp_(_numbers(self.network), _numbers(network), 1 - kept)

    def state_dict(self) -> dict[str, Any]:
        return self.network.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state)


def _numbers(network: nn.Module) -> list[Tensor]:
    tensors = chain(network.parameters(), network.buffers())
    return [tensor.detach() for tensor in tensors if tensor.is_floating_point()]
