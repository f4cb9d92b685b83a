"""Where a training starts, what of it is frozen, and so which weights are served in the end."""

from dataclasses import dataclass

import torch

from stocktake.model.network import Network, Weights, fastest_precision
from stocktake.training.hyperparameters import Hyperparameters
from stocktake.training.outputs import Outputs
from stocktake.training.weights import starting_head, starting_trunk


@dataclass(frozen=True)
class StartingPoint:
    """A network before training.

    Attributes
    ----------
    outputs
        What the rows of the head stand for.
    weights
        Those to start from; None for random ones.
    trunk_is_applied
        Whether the images come as what the frozen trunk made of them: then only the head is here to learn.
    """

    hyperparameters: Hyperparameters
    outputs: Outputs
    weights: Weights | None
    trunk_is_applied: bool

    def network(self, device: torch.device) -> Network:
        """The network to train, on `device`."""
        asked = self.hyperparameters
        trunk = None if self.trunk_is_applied else starting_trunk(asked.architecture, asked.seed, self.weights)
        head = starting_head(asked.architecture, self.outputs.size, asked.seed, self.weights)
        precision = torch.float32 if trunk is None else fastest_precision(device)
        return Network(asked.architecture, trunk, head, asked.trainable, precision).to(device)

    def served(self, learned: Weights) -> Weights:
        """All weights of the model to serve: what was learned, on the trunk that it was learned with."""
        learned = self.outputs.served(self.hyperparameters.architecture, learned)
        if not self.trunk_is_applied:
            return learned
        trunk = starting_trunk(self.hyperparameters.architecture, self.hyperparameters.seed, self.weights)
        return trunk.state_dict() | learned
