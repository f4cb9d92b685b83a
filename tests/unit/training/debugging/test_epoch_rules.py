"""Rules over epochs judge the losses of the log: exact over all images and all processes."""

import re
from pathlib import Path

import pytest
from test_distributed import Trained

from stocktake.debugging.rules import History
from stocktake.debugging.rules.loss_not_decreasing import loss_not_decreasing
from stocktake.debugging.rules.overfit import overfit
from stocktake.debugging.rules.overtraining import overtraining

OVERFIT = re.compile(
    r"rule:overfit=1 In epoch 1 the validation loss is ([\d.]+), more than 10% above the training loss of ([\d.]+)\."
)


def watched(root: Path, splits: Path, processes: int, monkeypatch: pytest.MonkeyPatch) -> Trained:
    """A training that overfits, on 45 images in batches of 8, of which the last has 5; validation in 8 and 4."""
    monkeypatch.setenv("SM_OUTPUT_DATA_DIR", str(root / "data"))
    channels = {split: splits / split for split in ("train", "valid")}
    recipe = {"trainable": "head", "batch-size": "8", "lr": "0.1", "epochs": "1", "debug-interval": "1"}
    return Trained(root, [channels] * processes, **recipe)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_rule_over_epochs_judges_the_losses_of_the_log(
    tmp_path: Path, splits: Path, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    # given batches of unequal size and, in two processes, halves of the images
    trained = watched(tmp_path, splits, processes, monkeypatch)
    # when
    finding = OVERFIT.search(trained.outputs[0])
    # then
    assert finding, trained.outputs
    assert f"train:loss={finding[2]} " in trained.outputs[0]
    assert f"validation:loss={finding[1]} " in trained.outputs[0]


def test_a_resumed_run_is_judged_by_the_epochs_before_its_interruption_too(
    tmp_path: Path, splits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a run that was stopped when only its rules were left to evaluate
    before = watched(tmp_path, splits, 1, monkeypatch)
    # when
    resumed = watched(tmp_path, splits, 1, monkeypatch)
    # then
    assert "resumed epoch=2" in resumed.outputs[0]
    assert OVERFIT.findall(resumed.outputs[0]) == OVERFIT.findall(before.outputs[0]) != []


def epochs(*, train: list[float] | None = None, validation: list[float]) -> History:
    pairs = zip(train or validation, validation, strict=True)
    return [{"epoch": n, "train:loss": one, "validation:loss": other} for n, (one, other) in enumerate(pairs, 1)]


def test_overfitting_begins_10_percent_above_the_training_loss() -> None:
    assert overfit(epochs(train=[2.0, 1.0], validation=[2.19, 1.09])) == ""
    assert overfit(epochs(train=[2.0, 1.0], validation=[2.19, 1.11])) == (
        "In epoch 2 the validation loss is 1.1100, more than 10% above the training loss of 1.0000."
    )


def test_overfitting_lasts_as_long_as_patience_asks_for() -> None:
    # given an excess that is interrupted
    history = epochs(train=[1.0] * 4, validation=[1.2, 1.0, 1.2, 1.2])
    assert overfit(history[:3], patience=2) == ""
    assert (overfit(history, patience=2) or "").startswith("In epoch 4 ")


def test_overtraining_begins_5_epochs_after_the_best_training_loss() -> None:
    falling = [2 - n / 10 for n in range(6)]
    still = [1.0, 0.995, 0.991, 0.991, 0.991]
    assert overtraining(epochs(train=still, validation=falling[:5])) == ""
    assert overtraining(epochs(train=[*still, 0.991], validation=falling)) == (
        "Up to epoch 6 the training loss has not improved by 0.01 for 5 epochs; the best is 1.0000."
    )


def test_overtraining_begins_10_epochs_after_the_best_validation_loss() -> None:
    falling = [2 - n / 10 for n in range(12)]
    validation = [1.5, 1.0, *[1.2] * 10]
    assert overtraining(epochs(train=falling[:11], validation=validation[:11])) == ""
    assert overtraining(epochs(train=falling, validation=validation)) == (
        "Up to epoch 12 the validation loss has not improved by 0.01 for 10 epochs; the best is 1.0000."
    )


@pytest.mark.parametrize(
    ("later", "change"), [(0.9985, ""), (1.04, ""), (0.9995, "-0.05%"), (1.0005, "+0.05%"), (1.06, "+6%")]
)
def test_a_loss_falls_by_a_thousandth_or_rises_by_5_percent_at_most(later: float, change: str) -> None:
    finding = loss_not_decreasing(epochs(validation=[1.0, later]), training_steps=20)
    expected = f"From epoch 1 to epoch 2 the validation loss went from 1.0000 to {later:.4f} ({change})."
    assert finding == (expected if change else "")


def test_losses_are_compared_that_lie_10_training_steps_apart() -> None:
    # given 4 steps an epoch, so that 12 steps lie between epochs 1, 4 and 7
    history = epochs(validation=[1.0, 2.0, 2.0, 0.9, 2.0, 2.0, 0.8])
    assert loss_not_decreasing(history, training_steps=28) == ""
    assert (loss_not_decreasing(history, training_steps=70) or "").startswith("From epoch 1 to epoch 2 ")


def test_an_epoch_that_has_no_other_to_compare_with_is_not_judged() -> None:
    history = epochs(validation=[1.0, 1.0, 1.0])
    assert overtraining(history[:1]) is None
    assert loss_not_decreasing(history[:1], training_steps=100) is None
    # nor epochs of 3 steps each, while fewer than 10 steps lie between
    assert loss_not_decreasing(history, training_steps=9) is None
    assert overfit([]) is None
