"""The training loop: epochs, validation, the best epoch, and taking up an interrupted run."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.optim import AdamW

from stocktake.batches import epoch_batches, ordered_batches
from stocktake.checkpoints import Checkpoints
from stocktake.failures import JobFailure
from stocktake.hyperparameters import Hyperparameters
from stocktake.models import Trainee, Weights
from stocktake.shards import ShardDataset, load


@dataclass
class Progress:
    """How far a run has come. `batch` batches of `epoch` are done, their sums are in `totals`."""

    totals: Tensor
    epoch: int = 1
    batch: int = 0
    seconds: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, float] = field(default_factory=dict)
    best_weights: Weights = field(default_factory=dict)


class Training:
    """One run on one device.

    Parameters
    ----------
    trainee
        The model, on `device`.
    train, valid
        The images to learn from and those that choose the best epoch.
    """

    def __init__(
        self,
        trainee: Trainee,
        train: ShardDataset,
        valid: ShardDataset,
        hyperparameters: Hyperparameters,
        device: torch.device,
    ):
        self.trainee, self.train, self.valid = trainee, train, valid
        self.hyperparameters, self.device = hyperparameters, device
        self.optimizer = AdamW(trainee.parameters(), lr=hyperparameters.lr)
        self.precision = fastest_precision(device)
        # float16's small gradients would vanish unscaled; bfloat16 has float32's range.
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.precision == torch.float16)
        self.progress = Progress(totals=self._zeros())

    def fit(self, checkpoints: Checkpoints | None, interrupted: Callable[[], bool]) -> None:
        """Train to the last epoch, from the checkpoint when there is one, and print a line of metrics an epoch.

        Raises
        ------
        JobFailure
            When the loss is no longer a number, or after `interrupted` (the state is in the checkpoint then).
        """
        if checkpoints and (state := checkpoints.load()):
            self.load_state_dict(state)
            print(f"resumed epoch={self.progress.epoch} batch={self.progress.batch}", flush=True)
        while self.progress.epoch <= self.hyperparameters.epochs:
            self._train_one_epoch(checkpoints, interrupted)
            self._finish_epoch(self.validate())
            if checkpoints:
                checkpoints.save(self.state_dict())

    def _train_one_epoch(self, checkpoints: Checkpoints | None, interrupted: Callable[[], bool]) -> None:
        progress, hyperparameters = self.progress, self.hyperparameters
        batches = epoch_batches(len(self.train), hyperparameters.batch_size, hyperparameters.seed, progress.epoch)
        started = time.monotonic() - progress.seconds
        self.trainee.train()
        for pixels, targets in load(self.train, batches[progress.batch :]):
            logits, targets = self._forward(pixels, targets)
            loss = functional.cross_entropy(logits, targets)
            self.optimizer.zero_grad()
            self.scaler.scale(loss).backward()
            self.scaler.step(self.optimizer)
            self.scaler.update()
            progress.totals += batch_totals(logits.detach(), targets)
            progress.batch += 1
            progress.seconds = time.monotonic() - started
            if interrupted():
                self._stop(checkpoints)

    @torch.no_grad()
    def validate(self) -> Tensor:
        """Sums over the validation images, as `batch_totals`."""
        self.trainee.model.eval()
        totals = self._zeros()
        for pixels, targets in load(self.valid, ordered_batches(len(self.valid), self.hyperparameters.batch_size)):
            totals += batch_totals(*self._forward(pixels, targets))
        return totals

    def _forward(self, pixels: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        images = self.train.preprocessing.normalise(pixels.to(self.device, non_blocking=True))
        with self._autocast():
            logits = self.trainee.model(images)
        return logits.float(), targets.to(self.device, non_blocking=True)

    def _finish_epoch(self, validation: Tensor) -> None:
        progress = self.progress
        train_loss, train_accuracy = mean_loss_and_accuracy(progress.totals)
        loss, accuracy = mean_loss_and_accuracy(validation)
        row = {
            "epoch": progress.epoch,
            "train:loss": train_loss,
            "train:accuracy": train_accuracy,
            "validation:loss": loss,
            "validation:accuracy": accuracy,
            "lr": self.optimizer.param_groups[0]["lr"],
            "seconds": round(progress.seconds, 2),
        }
        if not torch.isfinite(torch.tensor([train_loss, loss])).all():
            raise JobFailure(
                f"Training diverged in epoch {progress.epoch}: the loss is {train_loss} in training and {loss} in "
                f"validation. Lower the hyperparameter lr (now {self.hyperparameters.lr:g})."
            )
        print(metric_line(row), flush=True)
        progress.history.append(row)
        best = progress.best
        if not best or (accuracy, -loss) > (best["validation:accuracy"], -best["validation:loss"]):
            progress.best = row
            weights = self.trainee.model.state_dict()
            progress.best_weights = {name: value.detach().cpu().clone() for name, value in weights.items()}
        progress.epoch, progress.batch, progress.seconds = progress.epoch + 1, 0, 0.0
        progress.totals = self._zeros()

    def _stop(self, checkpoints: Checkpoints | None) -> None:
        where = f"in epoch {self.progress.epoch} after {self.progress.batch} batches"
        if checkpoints is None:
            raise JobFailure(f"Stopped by SIGTERM {where}; without a checkpoint location all of it is lost.")
        checkpoints.save(self.state_dict())
        raise JobFailure(
            f"Stopped by SIGTERM {where}; a job with the same checkpoint location and hyperparameters goes on there."
        )

    def state_dict(self) -> dict[str, Any]:
        """All that the rest of the run depends on. Order and mirroring of images depend on seed and epoch only."""
        return {
            "model": self.trainee.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "progress": vars(self.progress),
            "rng": torch.get_rng_state(),
            "cudaRng": torch.cuda.get_rng_state_all(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.trainee.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.progress = Progress(**state["progress"])
        self.progress.totals = self.progress.totals.to(self.device)
        torch.set_rng_state(state["rng"])
        torch.cuda.set_rng_state_all(state["cudaRng"])

    def _zeros(self) -> Tensor:
        return torch.zeros(3, dtype=torch.float64, device=self.device)

    def _autocast(self) -> AbstractContextManager[None]:
        return torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32)


def batch_totals(logits: Tensor, targets: Tensor) -> Tensor:
    """Summed loss, right answers and images of one batch: float64 (3,). Sums add up exactly over batches."""
    loss = functional.cross_entropy(logits.double(), targets, reduction="sum")
    correct = (logits.argmax(1) == targets).sum()
    return torch.stack([loss, correct.double(), torch.full_like(loss, len(targets))])


def mean_loss_and_accuracy(totals: Tensor) -> tuple[float, float]:
    loss, correct, images = totals.tolist()
    return loss / images, correct / images


def metric_line(row: dict[str, float]) -> str:
    """`epoch=3 train:loss=1.2345 ...`, the line that the job's metric definitions read."""
    formats = {"epoch": "d", "lr": "g", "seconds": ".1f"}
    return " ".join(f"{name}={value:{formats.get(name, '.4f')}}" for name, value in row.items())


def fastest_precision(device: torch.device) -> torch.dtype:
    """The number format for the forward pass: half the bits where the hardware computes faster with them."""
    if device.type == "cuda":
        # A T4 (ml.g4dn) emulates bfloat16 slowly and has float16 units.
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if native else torch.float16
    capabilities = torch.cpu.get_capabilities()
    native = capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")
    return torch.bfloat16 if native else torch.float32
