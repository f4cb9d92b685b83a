"""Small trainings under the eyes of `Debugging`: which side of a plane is a point on, as far as can be told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from stocktake.debugging import Debugging

FEATURES = 16
CPU = torch.device("cpu")


def perceptron(layers: int = 2, activation: type[nn.Module] = nn.ReLU, width: int = 32) -> nn.Sequential:
    torch.manual_seed(2)
    parts: list[nn.Module] = []
    for layer in range(layers):
        parts += [nn.Linear(width if layer else FEATURES, width), activation()]
    return nn.Sequential(*parts, nn.Linear(width, 2))


def points(number: int, seed: int, random_labels: bool = False) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(number, FEATURES, generator=generator)
    noise = torch.randn(number, generator=generator)
    return inputs, ((noise if random_labels else inputs.sum(1) + 3 * noise) > 0).long()


def train(
    model: nn.Module,
    folder: Path,
    *,
    epochs: int = 4,
    learning_rate: float = 0.001,
    examples: int = 2048,
    random_labels: bool = False,
    save_interval: int = 10,
    **options: Any,
) -> Debugging:
    """Train in batches of 32 and validate on 256 other points after each epoch."""
    train_set, valid_set = points(examples, 0, random_labels), points(256, 1, random_labels)
    loss_function = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    with Debugging(model, loss_function, folder, CPU, save_interval, **options) as debugging:
        for epoch in range(epochs):
            model.train()
            for inputs, labels in batches(*train_set, seed=epoch):
                loss = loss_function(model(inputs), labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            model.eval()
            with torch.no_grad():
                for inputs, labels in batches(*valid_set, seed=0):
                    loss_function(model(inputs), labels)
    return debugging


def batches(inputs: Tensor, labels: Tensor, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    order = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(seed))
    return ((inputs[batch], labels[batch]) for batch in order.split(32))
