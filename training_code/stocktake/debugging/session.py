"""Debugging and profiling of one training, as the training loop sees it."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import torch
from torch import nn

from stocktake.debugging.evaluation import Verdict, judge_epochs, judge_tensors, judge_utilisation, publish
from stocktake.debugging.packages import use_bundled_packages
from stocktake.debugging.rules import History
from stocktake.debugging.tolerance import tolerated
from stocktake.debugging.trace import traced
from stocktake.debugging.utilisation import UtilisationSampler, downsampled, read_samples

if TYPE_CHECKING:
    from stocktake.debugging.hook import TrainingHook


class DebuggingSession:
    """Watches the training within its context; nothing that goes wrong here ends the training.

    It hangs on the modules' own hooks, so that the loop need not know of it: a call of `model` with gradients enabled
    is a training step, any other a validation step, and the loss is what `loss` returns in both. In a job of several
    processes only the first should be watched.

    Parameters
    ----------
    model
        The network, not yet wrapped for several processes.
    loss
        A module that maps logits and targets to the loss.
    folder
        For `tensors/`, `utilisation.csv`, `trace.json.gz` and `rules.json`; what an earlier run left is replaced.
    device
        What the model is on.
    save_interval
        Training steps between two saves of losses, gradients and inputs of ReLUs. With 0 only `trace` has an effect.
    trace
        Whether to record a few training steps operator by operator.
    first_step
        Training steps that were done before, in a training that is resumed.
    loss_scale
        The factor by which gradients are scaled at the moment, that of a `GradScaler`.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: nn.Module,
        folder: Path,
        device: torch.device,
        save_interval: int,
        trace: bool = False,
        first_step: int = 0,
        loss_scale: Callable[[], float] = lambda: 1.0,
    ):
        self.model, self.loss, self.folder, self.device = model, loss, folder, device
        self.save_interval, self.trace = save_interval, trace
        self.first_step, self.loss_scale = first_step, loss_scale
        self.hook: TrainingHook | None = None
        self.sampler: UtilisationSampler | None = None
        self.running = ExitStack()

    def __enter__(self) -> Self:
        with tolerated("nothing can be written"):
            self.folder.mkdir(parents=True, exist_ok=True)
        if self.save_interval:
            with tolerated("hooks are off, so that no rule looks at tensors"):
                self._start_hook()
            with tolerated("utilisation is not measured"):
                self._start_sampler()
        if self.trace:
            with tolerated("there is no trace"):
                self.running.enter_context(traced(self.model, self.folder / "trace.json.gz", self.device))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with tolerated("not everything was written"):
            self.running.close()

    def evaluate_rules(self, history: History, training_steps: int) -> dict[str, Verdict]:
        """Judge the finished training by every rule that has something to judge by.

        Prints a line for each rule and writes rules.json.

        Parameters
        ----------
        history
            Every epoch, those before an interruption included.
        training_steps
            In all of them.
        """
        verdicts = judge_epochs(history, training_steps) if self.save_interval else {}
        with tolerated("no rule looks at tensors"):
            verdicts |= judge_tensors(Path(self.hook.out_dir)) if self.hook else {}
        with tolerated("no rule looks at utilisation"):
            verdicts |= judge_utilisation(read_samples(self.sampler.file), self.device) if self.sampler else {}
        with tolerated("rules.json is not written"):
            publish(verdicts, self.folder)
        return verdicts

    def utilisation(self) -> dict[str, list[float] | None] | None:
        """At most 500 points of `seconds`, `cpu`, `memory` and `gpu` (None without GPU); None when not measured."""
        with tolerated("utilisation cannot be shown"):
            return downsampled(read_samples(self.sampler.file)) if self.sampler else None
        return None

    def _start_hook(self) -> None:
        use_bundled_packages()
        from stocktake.debugging.smdebug_repairs import make_smdebug_work

        make_smdebug_work()
        from stocktake.debugging.hook import create_hook

        hook = create_hook(self.folder / "tensors", self.save_interval)
        hook.loss_scale = self.loss_scale
        hook.start_at(self.first_step)
        hook.register_module(self.model)
        hook.register_loss(self.loss)
        self.running.callback(hook.close)
        self.hook = hook

    def _start_sampler(self) -> None:
        sampler = UtilisationSampler(self.folder / "utilisation.csv")
        sampler.start()
        self.running.callback(sampler.stop)
        self.sampler = sampler
