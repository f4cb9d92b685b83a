"""The training loop: epochs, validation, the best epoch, and taking up an interrupted run."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import torch
from torch import Tensor
from torch.optim import AdamW

from stocktake.data.batches import Key, Share, ordered_batches
from stocktake.data.splits import Split, fingerprint
from stocktake.failures import JobFailure
from stocktake.model.calibration import log_probabilities
from stocktake.model.network import Network, Weights
from stocktake.training.average import Average
from stocktake.training.checkpoints import Checkpoints
from stocktake.training.distributed import World
from stocktake.training.hyperparameters import Hyperparameters
from stocktake.training.losses import Loss
from stocktake.training.recipe import Recipe
from stocktake.training.temperature import fit_temperature


@dataclass
class Progress:
    """How far a run has come. `batch` batches of `epoch` are done, their sums are in `totals`; `saved` checkpoints."""

    totals: Tensor
    epoch: int = 1
    batch: int = 0
    saved: int = 0
    seconds: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, float] = field(default_factory=dict)
    best_weights: Weights = field(default_factory=dict)


class Training:
    """One run, in this process or shared with others.

    Parameters
    ----------
    network
        The network, on `device`.
    train
        The images to learn from. In several processes either all of them or, in those of one instance, its part.
    held_out
        `validation`, whose accuracy chooses the best epoch, and other splits that are only measured.
    loss
        What is minimised, of the training split's own targets.
    """

    def __init__(
        self,
        network: Network,
        train: Split,
        held_out: Mapping[str, Split],
        hyperparameters: Hyperparameters,
        recipe: Recipe,
        loss: Loss,
        device: torch.device,
        world: World | None = None,
    ):
        self.network, self.train, self.held_out = network, train, held_out
        self.hyperparameters, self.recipe, self.device = hyperparameters, recipe, device
        self.world = world or World()
        self.share = Share.of(self.world.gather((fingerprint(train), len(train))), self.world.rank)
        self.share.check(hyperparameters.batch_size, self.world.size)
        self.loss = loss.to(device)
        self.average = Average(network, recipe.average) if recipe.average else None
        self.model = self.world.wrap(network, device)
        learning = list(network.trainable_parameters())
        self.optimizer = AdamW(learning, hyperparameters.lr, fused=all(parameter.is_cuda for parameter in learning))
        self.steps_of_an_epoch = len(self._epoch(1))
        # float16's small gradients would vanish unscaled; bfloat16 has float32's range.
        self.scaler = torch.amp.GradScaler(device.type, enabled=network.precision == torch.float16)
        self.progress = Progress(totals=self._zeros())
        self._after_batch: Callable[[], None] = lambda: None
        torch.manual_seed(hyperparameters.seed + self.world.rank)

    def resume(self, checkpoints: Checkpoints | None) -> None:
        """Take up the interrupted run that the checkpoint is of, if there is one."""
        if checkpoints and (state := checkpoints.load()):
            self.load_state_dict(state)
            self._say(f"resumed epoch={self.progress.epoch} batch={self.progress.batch}")

    @property
    def steps_done(self) -> int:
        """Training steps before the next one, those before an interruption included."""
        return (self.progress.epoch - 1) * self.steps_of_an_epoch + self.progress.batch

    def describe(self) -> str:
        """What is trained on what, in one line for the log."""
        held_out = " ".join(f"{name} images={len(split)}" for name, split in self.held_out.items())
        return (
            f"training images={sum(self.share.images)} {held_out} {type(self.train).__name__} {self.device.type} "
            f"{self.network.precision} processes={self.world.size}"
        )

    def fit(self, checkpoints: Checkpoints | None, interrupted: Callable[[], bool]) -> None:
        """Train to the last epoch, print a line of metrics an epoch, and keep a checkpoint after each.

        Raises
        ------
        JobFailure
            When the loss is no longer a number, or after `interrupted` (the state is in the checkpoint then).
        """

        def stop_if_interrupted() -> None:
            if self.world.any(interrupted()):
                self._stop(checkpoints)

        self._after_batch = stop_if_interrupted
        while self.progress.epoch <= self.hyperparameters.epochs:
            self._train_one_epoch()
            # One that is interrupted begins again, as all batches of its epoch are done then.
            self._finish_epoch({name: self.measure(split) for name, split in self.held_out.items()})
            self._save(checkpoints)

    def _train_one_epoch(self) -> None:
        progress, world = self.progress, self.world
        steps = self._epoch(progress.epoch)[progress.batch :]
        started = time.monotonic() - progress.seconds
        self.network.train()
        for (batch, targets), (_, images) in zip(self.train.load([keys for keys, _ in steps]), steps, strict=True):
            inputs, targets = self._on_device(self.train, batch, targets)
            logits = self.model(inputs)
            loss = self.loss(logits, targets)
            self.optimizer.zero_grad()
            # The mean over the whole batch, whatever part of it is here: gradients are averaged over the processes.
            self.scaler.scale(loss * (len(targets) * world.size / images)).backward()
            self.scaler.step(self.optimizer)
            self.scaler.update()
            progress.totals += self.loss.totals(loss.detach(), logits.detach(), targets)
            progress.batch += 1
            if self.average:
                self.average.update(self.network, self.steps_done)
            progress.seconds = time.monotonic() - started
            self._after_batch()

    def _epoch(self, epoch: int) -> list[tuple[list[Key], int]]:
        return self.share.epoch(self.hyperparameters.batch_size, self.hyperparameters.seed, epoch)

    @property
    def learned(self) -> Network:
        """What is measured and kept: the network, or the average of it."""
        return self.average.network if self.average else self.network

    @torch.no_grad()
    def measure(self, split: Split) -> Tensor:
        """Sums over the images of a split, as `CountingLoss.totals`, each image counted once."""
        network, counting, totals = self.learned.eval(), self.loss.counting, self._zeros()
        for inputs, targets in self._own_batches(split):
            answers = self.loss.answers(network(inputs))
            totals += counting.totals(counting(answers, targets), answers, targets)
        return self.world.sum(totals)

    def calibrate(self) -> float:
        """The temperature of the weights that are kept, as they will be served. It ends the training.

        Each process has to call it; all get the same.
        """
        return fit_temperature(*self.answer(self.held_out["validation"]))

    @torch.no_grad()
    def answer(self, split: Split) -> tuple[Tensor, Tensor]:
        """Log probabilities (N, L) by the weights that are kept, as they will be served, and label positions (N,).

        It ends the training. Each process has to call it; all get the same. One alone keeps the split's order.
        """
        network = self.learned.eval()
        network.load_weights(self.progress.best_weights)
        own = []
        for inputs, targets in self._own_batches(split):
            views = (inputs, inputs.flip(3)) if self.recipe.mirrored else (inputs,)
            answers = log_probabilities([self.loss.answers(network(view)) for view in views])
            own.append((answers.cpu(), targets.cpu()))
        log_p, targets_of_all = zip(*chain.from_iterable(self.world.gather(own)), strict=True)
        return torch.cat(log_p), torch.cat(targets_of_all)

    def _own_batches(self, split: Split) -> Iterator[tuple[Tensor, Tensor]]:
        """The network's inputs and targets of this process's share of a split that is only measured."""
        world = self.world
        batches: list[list[Key]] = ordered_batches(len(split), self.hyperparameters.batch_size)
        for batch, targets in split.load([keys[world.rank :: world.size] for keys in batches]):
            # Of a last batch some processes may have nothing.
            if len(targets):
                yield self._on_device(split, batch, targets)
            self._after_batch()

    def _on_device(self, split: Split, batch: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        inputs = split.network_input(batch.to(self.device, non_blocking=True))
        return inputs, targets.to(self.device, non_blocking=True)

    def _finish_epoch(self, held_out: dict[str, Tensor]) -> None:
        progress = self.progress
        sums = {"train": self.world.sum(progress.totals)} | held_out
        row: dict[str, float] = {"epoch": progress.epoch}
        for name, totals in sums.items():
            row[f"{name}:loss"], row[f"{name}:accuracy"] = mean_loss_and_accuracy(totals)
        row["seconds"] = round(progress.seconds, 2)
        loss, accuracy = row["validation:loss"], row["validation:accuracy"]
        if not torch.isfinite(torch.tensor([row["train:loss"], loss])).all():
            raise JobFailure(
                f"Training diverged in epoch {progress.epoch}: the loss is {row['train:loss']} in training and {loss} "
                f"in validation. Lower the hyperparameter lr (now {self.hyperparameters.lr:g})."
            )
        self._say(metric_line(row))
        progress.history.append(row)
        best = progress.best
        better = not best or (accuracy, -loss) > (best["validation:accuracy"], -best["validation:loss"])
        if better or self.recipe.keep == "last":
            progress.best, progress.best_weights = row, self.learned.weights()
        progress.epoch, progress.batch, progress.seconds = progress.epoch + 1, 0, 0.0
        progress.totals = self._zeros()

    def best_line(self) -> str:
        """The metrics of the epoch that is kept. Printed last, as the last value of a metric becomes the job's."""
        kept = ("epoch", *(f"{name}:" for name in self.held_out))
        best = {name: value for name, value in self.progress.best.items() if name.startswith(kept)}
        return f"best {metric_line(best)}"

    def _stop(self, checkpoints: Checkpoints | None) -> None:
        where = f"in epoch {self.progress.epoch} after {self.progress.batch} batches"
        if checkpoints is None:
            raise JobFailure(f"Stopped by SIGTERM {where}; without a checkpoint location all of it is lost.")
        self._save(checkpoints)
        raise JobFailure(
            f"Stopped by SIGTERM {where}; a job with the same checkpoint location and hyperparameters goes on there."
        )

    def _save(self, checkpoints: Checkpoints | None) -> None:
        if checkpoints:
            self.progress.saved += 1
            state = self.state_dict()
            if self.world.is_main:
                checkpoints.save(state, self.progress.saved)

    def state_dict(self) -> dict[str, Any]:
        """All that the rest of the run depends on. The images' order depends on seed and epoch only."""
        return {
            "network": self.network.state_dict(),
            "average": self.average.state_dict() if self.average else {},
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "precision": str(self.network.precision),
            "progress": vars(self.progress) | {"totals": self.world.sum(self.progress.totals)},
            "rng": self.world.gather(torch.get_rng_state()),
            "cudaRng": self.world.gather(torch.cuda.get_rng_state_all()),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        rank = self.world.rank
        self.network.load_state_dict(state["network"])
        if self.average:
            self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        # Weights are kept in float32 whatever the trunk computes in, so the run goes on in this machine's format. The
        # scale of gradients is float16's alone, and found anew in a few steps.
        if (before := state.get("precision")) and before != (now := str(self.network.precision)):
            self._say(f"the checkpoint was trained in {before}, this machine goes on in {now}: results will differ")
        if state["scaler"]:
            self.scaler.load_state_dict(state["scaler"])
        self.progress = Progress(**state["progress"])
        # They are the sums of all processes: only one may carry them on.
        self.progress.totals = self.progress.totals.to(self.device) if self.world.is_main else self._zeros()
        torch.set_rng_state(state["rng"][rank])
        torch.cuda.set_rng_state_all(state["cudaRng"][rank])

    def _zeros(self) -> Tensor:
        return torch.zeros(3, dtype=torch.float64, device=self.device)

    def _say(self, line: str) -> None:
        if self.world.is_main:
            print(line, flush=True)


def mean_loss_and_accuracy(totals: Tensor) -> tuple[float, float]:
    loss, correct, images = totals.tolist()
    return loss / images, correct / images


def metric_line(row: dict[str, float]) -> str:
    """`epoch=3 train:loss=1.2345 ...`, the line that the job's metric definitions read."""
    formats = {"epoch": "d", "seconds": ".1f"}
    return " ".join(f"{name}={value:{formats.get(name, '.4f')}}" for name, value in row.items())
