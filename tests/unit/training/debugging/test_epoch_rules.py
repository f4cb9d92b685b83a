"""Rules over epochs judge the losses of the log: exact over all images and all processes."""

import re
from pathlib import Path

import pytest
from test_distributed import Trained

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
