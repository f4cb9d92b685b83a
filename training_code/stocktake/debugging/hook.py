"""smdebug's hook, made to leave the training alone. Importable only after `make_smdebug_work`."""

import atexit
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from smdebug.core.access_layer.utils import END_OF_JOB_FILENAME
from smdebug.core.config_constants import CLAIM_FILENAME
from smdebug.core.json_config import collect_hook_config_params, get_json_config_as_dict
from smdebug.pytorch import Hook, ReductionConfig, SaveConfig, SaveConfigMode, modes
from torch import Tensor, nn

from stocktake.debugging.saved_tensors import PERCENTILES

FIRST_STEPS = 10
"""Steps from the start that are all saved: they tell whether a network was initialised well."""
REDUCTIONS = {
    "gradients": ReductionConfig(reductions=["min", "max", "mean", "std"], abs_reductions=["mean"]),
    "relu_input": ReductionConfig(reductions=["mean", "std"]),
}
"""Saved instead of whole tensors, which would take many times as long and as much space."""
SAMPLE = 4096
"""Values of a gradient that percentiles are taken of."""
ACTIVATIONS = (nn.ReLU, nn.ReLU6)


class TrainingHook(Hook):
    """Saves losses, gradients and inputs of ReLUs.

    A forward pass with gradients enabled is a training step, any other a validation step. Whatever goes wrong in
    smdebug switches the hook off, with one line in the log.
    """

    loss_scale: Callable[[], float] = staticmethod(lambda: 1.0)
    off = False

    def start_at(self, step: int) -> None:
        """Number the next training step; a resumed training goes on counting."""
        self.init_step = self.step = step - 1
        self.mode_steps = {modes.GLOBAL: step - 1}

    def register_module(self, module: nn.Module) -> None:
        super().register_module(module)
        for activation in [part for part in module.modules() if isinstance(part, ACTIVATIONS)]:
            # By the names AWS's rules look for: torchvision calls a ReLU within an nn.Sequential only by its number.
            name = str(activation._module_name)
            vars(activation)["_module_name"] = name if name.endswith("relu") else f"{name}.relu"
            activation.register_forward_pre_hook(self.activation_pre_hook)

    def register_loss(self, loss_module: nn.Module) -> None:
        name = type(loss_module).__name__
        # The collection of losses holds outputs of modules whose names end like this.
        vars(loss_module)["_module_name"] = name if name.endswith("Loss") else f"{name}Loss"
        loss_module.register_forward_hook(self.forward_hook)

    def forward_pre_hook(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self._safely(self._begin_step, module, inputs)

    def _begin_step(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self.set_mode(modes.TRAIN if torch.is_grad_enabled() else modes.EVAL)
        super().forward_pre_hook(module, inputs)

    def activation_pre_hook(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self._safely(self._write_activation_input, module, inputs)

    def _write_activation_input(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if self._get_collections_to_save_for_step():
            super()._write_inputs(module._module_name, inputs)

    def _write_inputs(self, name: str, inputs: tuple[Tensor, ...]) -> None:
        # Called after the module: an in-place ReLU has overwritten its input by then.
        if not name.endswith("relu"):
            super()._write_inputs(name, inputs)

    def forward_hook(self, module: nn.Module, inputs: tuple[Tensor, ...], outputs: Any) -> None:
        self._safely(super().forward_hook, module, inputs, outputs)

    def fhook(self, module: nn.Module, inputs: tuple[Tensor, ...], outputs: Any) -> None:
        self._safely(super().fhook, module, inputs, outputs)

    def backward_hook(self, tname: str) -> Callable[[Tensor], None]:
        save = super().backward_hook(tname)
        return lambda gradient: self._safely(save, gradient)

    def _write_for_tensor(
        self, tensor_name: str, tensor_value: Tensor, save_collections: set[Any], tensor_ref: Any = None
    ) -> None:
        if tensor_name.startswith(self.GRADIENT_PREFIX):
            tensor_value = tensor_value / self.loss_scale()
            self._write_raw_tensor_simple(PERCENTILES + tensor_name, percentiles(tensor_value))
        super()._write_for_tensor(tensor_name, tensor_value, save_collections, tensor_ref)

    @staticmethod
    def _make_numpy_array(tensor_value: Any) -> np.ndarray[Any, Any]:
        # NumPy knows no bfloat16, which autocast computes activations in.
        wide = tensor_value.float() if getattr(tensor_value, "dtype", None) == torch.bfloat16 else tensor_value
        array: np.ndarray[Any, Any] = Hook._make_numpy_array(wide)
        return array

    def close(self) -> None:
        self._safely(super().close)
        # The network may live on, and so may the process: neither has anything more to save.
        self.off = True
        atexit.unregister(self._cleanup)

    def _write_state(self) -> None:
        """Leave the checkpoints alone: smdebug looks through them at every step to number steps after a restart."""

    def has_default_configuration(self) -> bool:
        # smdebug would swallow errors for good in a default configuration, and print their stack traces.
        return False

    def _safely(self, action: Callable[..., None], *arguments: Any) -> None:
        if self.off:
            return
        try:
            action(*arguments)
        except Exception as error:
            self.off = True
            print(f"debugging: nothing is saved from step {self.step} on ({type(error).__name__}: {error})", flush=True)


def percentiles(gradient: Tensor) -> Tensor:
    """The 5th and the 95th percentile, float32 (2,), of an evenly spaced sample: sorting all values takes too long."""
    values = gradient.detach().float().flatten()
    sample = values[:: max(1, len(values) // SAMPLE)]
    return torch.quantile(sample, torch.tensor([0.05, 0.95], device=sample.device))


def create_hook(folder: Path, save_interval: int) -> TrainingHook:
    """A hook as SageMaker's configuration of this job says, or one of our own where there is none.

    Parameters
    ----------
    folder
        Where a hook of our own saves; what an earlier run left there is removed.
    save_interval
        Training steps between two saves of a hook of our own.

    Raises
    ------
    Exception
        When SageMaker's configuration is invalid.
    """
    try:
        configuration = get_json_config_as_dict(None)
    except FileNotFoundError:
        return _hook_of_our_own(folder, save_interval)
    _remove_earlier_run(Path(collect_hook_config_params(configuration)["out_dir"]))
    hook: TrainingHook = TrainingHook.create_from_json_file()
    return hook


def _hook_of_our_own(folder: Path, save_interval: int) -> TrainingHook:
    _remove_earlier_run(folder)
    training = SaveConfigMode(save_interval=save_interval, save_steps=list(range(FIRST_STEPS)))
    never = SaveConfigMode(start_step=0, end_step=0)
    hook = TrainingHook(
        out_dir=str(folder),
        include_collections=["losses", *REDUCTIONS],
        save_config=SaveConfig({modes.TRAIN: training, modes.EVAL: never}),
    )
    for name, reductions in REDUCTIONS.items():
        hook.get_collection(name).reduction_config = reductions
    hook.get_collection("relu_input").include(".*relu_input")
    return hook


def _remove_earlier_run(folder: Path) -> None:
    """smdebug refuses a folder of a finished run, and saves nothing into one of an interrupted run."""
    for name in ("collections", "events", "index"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in (CLAIM_FILENAME, END_OF_JOB_FILENAME):
        (folder / name).unlink(missing_ok=True)
