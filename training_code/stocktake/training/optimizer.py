"""What moves the weights: AdamW with a recipe's groups of parameters."""

from typing import Any

import torch
from torch.optim import AdamW

from stocktake.model.network import Network
from stocktake.training.recipe import Recipe


def create_optimizer(network: Network, lr: float, recipe: Recipe) -> AdamW:
    """AdamW over what learns: head and trunk at rates of their own, weight decay on what the recipe says."""
    fused = all(parameter.is_cuda for parameter in network.trainable_parameters())
    groups: list[dict[str, Any]] = []
    for part, multiple in ((network.trunk, recipe.trunk_rate), (network.head, 1.0)):
        learning = [parameter for parameter in part.parameters() if parameter.requires_grad]
        for decays in (True, False):
            # Norms and biases are the vectors.
            own = [p for p in learning if (recipe.decays_everything or p.ndim > 1) == decays]
            decay = recipe.weight_decay if decays else 0.0
            if own:
                groups.append({"params": own, "weight_decay": decay, "peak": lr * multiple, "lr": lr * multiple})
    return AdamW(groups, fused=fused)


def set_rate(optimizer: torch.optim.Optimizer, share: float) -> None:
    """Let every group learn at this share of its peak rate."""
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * share
