"""Rules applied to a finished training: who found an issue, and why."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypedDict

import torch

from stocktake.debugging.rules import History
from stocktake.debugging.rules.loss_not_decreasing import loss_not_decreasing
from stocktake.debugging.rules.low_utilisation import low_utilisation
from stocktake.debugging.rules.overfit import overfit
from stocktake.debugging.rules.overtraining import overtraining
from stocktake.debugging.rules.poor_weight_initialization import poor_weight_initialization
from stocktake.debugging.rules.vanishing_gradient import vanishing_gradient
from stocktake.debugging.saved_tensors import SavedTensors
from stocktake.debugging.utilisation import Samples

NO_ISSUES, ISSUES, ERROR = "NoIssuesFound", "IssuesFound", "Error"
CODES = {NO_ISSUES: 0, ISSUES: 1, ERROR: 2}
"""What the job's metric definitions read; statuses are those of SageMaker's own rule evaluations."""


class Verdict(TypedDict):
    """`status` is NoIssuesFound, IssuesFound or Error; `reason` one sentence for people, empty without issues."""

    status: str
    reason: str


def judge_epochs(history: History, training_steps: int) -> dict[str, Verdict]:
    """Apply the rules over the losses of epochs; `training_steps` as `loss_not_decreasing` has it."""
    return _verdicts(
        overfit=partial(overfit, history),
        overtraining=partial(overtraining, history),
        loss_not_decreasing=partial(loss_not_decreasing, history, training_steps),
    )


def judge_tensors(folder: Path) -> dict[str, Verdict]:
    """Apply the rules over saved tensors."""
    tensors = SavedTensors.read(folder)
    if tensors is None:
        return {}
    return _verdicts(
        vanishing_gradient=partial(vanishing_gradient, tensors),
        poor_weight_initialization=partial(poor_weight_initialization, tensors),
    )


def judge_utilisation(samples: Samples, device: torch.device) -> dict[str, Verdict]:
    """Apply the rule over utilisation to the processor that trained."""
    processor = "cpu" if device.type == "cpu" else "gpu"
    if not samples.get(processor):
        return {}
    find = partial(low_utilisation, samples[processor], samples["seconds"])
    return _verdicts(**{f"low_{processor}_utilization": find})


def _verdicts(**rules: Callable[[], str | None]) -> dict[str, Verdict]:
    """What each rule finds; those that have too little to judge by are absent."""
    verdicts: dict[str, Verdict] = {}
    for name, find in rules.items():
        try:
            reason = find()
        except Exception as error:
            verdicts[name] = Verdict(status=ERROR, reason=f"{type(error).__name__}: {error}")
        else:
            if reason is not None:
                verdicts[name] = Verdict(status=ISSUES if reason else NO_ISSUES, reason=reason)
    return verdicts


def publish(verdicts: dict[str, Verdict], folder: Path) -> None:
    """Print a line for each rule, as the job's metric definitions read it, and write rules.json."""
    for name, verdict in verdicts.items():
        print(f"rule:{name}={CODES[verdict['status']]} {verdict['reason']}".rstrip(), flush=True)
    (folder / "rules.json").write_text(json.dumps(verdicts, indent=2))
