"""Small trainings that a `DebuggingSession` watches: which side of a plane is a point on, as far as can be told."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from stocktake.debugging import DebuggingSession
from stocktake.debugging.evaluation import Verdict

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


@dataclass
class WatchedTraining:
    """A training that is over, with the exact losses of its epochs."""

    debugging: DebuggingSession
    steps: int = 0
    history: list[dict[str, float]] = field(default_factory=list)

    def evaluate_rules(self) -> dict[str, Verdict]:
        return self.debugging.evaluate_rules(self.history, self.steps)


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
) -> WatchedTraining:
    """Train in batches of 32 and validate on 256 other points after each epoch."""
    train_set, valid_set = points(examples, 0, random_labels), points(256, 1, random_labels)
    loss_function = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    watched = WatchedTraining(DebuggingSession(model, loss_function, folder, CPU, save_interval, **options))
    with watched.debugging:
        for epoch in range(epochs):
            train_loss = valid_loss = 0.0
            model.train()
            for inputs, labels in batches(*train_set, seed=epoch):
                loss = loss_function(model(inputs), labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                watched.steps += 1
                train_loss += loss.item() * len(inputs) / examples
            model.eval()
            with torch.no_grad():
                for inputs, labels in batches(*valid_set, seed=0):
                    valid_loss += loss_function(model(inputs), labels).item() * len(inputs) / 256
            row = {"epoch": epoch + 1, "train:loss": train_loss, "validation:loss": valid_loss}
            watched.history.append(row)
    return watched


def batches(inputs: Tensor, labels: Tensor, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    order = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(seed))
    return ((inputs[batch], labels[batch]) for batch in order.split(32))
