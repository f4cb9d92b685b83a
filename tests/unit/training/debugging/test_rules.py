"""Rules over epochs and saved tensors: each judges small real trainings with and without the issue it is for."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn
from watched_trainings import perceptron, train

from stocktake.debugging import evaluation
from stocktake.debugging.evaluation import Verdict

RULES = {"vanishing_gradient", "overfit", "overtraining", "poor_weight_initialization", "loss_not_decreasing"}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Verdict]:
    """Verdicts on a training that goes well."""
    return train(perceptron(), tmp_path_factory.mktemp("sound")).evaluate_rules()


def test_every_rule_judges_a_sound_training(sound: dict[str, Verdict]) -> None:
    assert set(sound) == RULES


@pytest.mark.parametrize("rule", sorted(RULES))
def test_no_rule_finds_an_issue_in_a_sound_training(sound: dict[str, Verdict], rule: str) -> None:
    assert sound[rule] == {"status": "NoIssuesFound", "reason": ""}


def test_gradients_vanish_in_a_stack_of_sigmoids(tmp_path: Path) -> None:
    verdict = train(perceptron(14, nn.Sigmoid), tmp_path, epochs=1).evaluate_rules()["vanishing_gradient"]
    assert verdict["status"] == "IssuesFound"
    assert "In training step 0 the mean absolute value of gradient/Sequential_0.weight is" in verdict["reason"]


def test_a_bias_without_effect_is_no_vanishing_gradient(tmp_path: Path) -> None:
    # given a bias before a batch normalisation, which takes it away again
    model = nn.Sequential(nn.Linear(16, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))
    assert train(model, tmp_path, epochs=1).evaluate_rules()["vanishing_gradient"]["status"] == "NoIssuesFound"
    assert model[0].bias.grad is not None
    assert model[0].bias.grad.abs().mean() < 1e-7


def test_random_labels_that_are_learned_by_heart_are_overfitting_and_in_the_end_overtraining(tmp_path: Path) -> None:
    verdicts = train(
        perceptron(width=128), tmp_path, epochs=16, examples=64, random_labels=True, save_interval=1
    ).evaluate_rules()
    assert verdicts["overfit"]["status"] == "IssuesFound"
    assert "more than 10% above the training loss" in verdicts["overfit"]["reason"]
    assert verdicts["overtraining"]["status"] == "IssuesFound"
    assert "loss has not improved by 0.01 for" in verdicts["overtraining"]["reason"]


def test_a_few_epochs_of_learning_by_heart_are_no_overtraining_yet(tmp_path: Path) -> None:
    watched = train(perceptron(), tmp_path, epochs=4, examples=64, random_labels=True, save_interval=1)
    assert watched.evaluate_rules()["overtraining"]["status"] == "NoIssuesFound"


def test_weights_that_are_far_too_small_are_a_poor_initialisation(tmp_path: Path) -> None:
    # given a signal that fades from layer to layer
    model = perceptron(6)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(0.05)
    # when
    verdict = train(model, tmp_path, epochs=1, learning_rate=1e-5).evaluate_rules()["poor_weight_initialization"]
    # then
    assert verdict["status"] == "IssuesFound"
    assert verdict["reason"].startswith("In training step 0 the variance of 1.relu_input_0")
    assert "is more than 10 times that of 11.relu_input_0" in verdict["reason"]
    assert "and the loss does not fall" in verdict["reason"]


def test_gradients_that_are_the_same_everywhere_are_a_poor_initialisation(tmp_path: Path) -> None:
    # given one layer of ReLUs, whose variance has nothing to compare with, behind which hardly anything changes
    model = perceptron(1)
    with torch.no_grad():
        model[-1].weight.mul_(1e-4)
        model[-1].bias.zero_()
    verdict = train(model, tmp_path, epochs=1, learning_rate=1e-6).evaluate_rules()["poor_weight_initialization"]
    assert verdict["status"] == "IssuesFound"
    assert "5th and 95th percentile of gradient/Sequential_0.weight" in verdict["reason"]


def test_a_spread_of_variances_is_no_issue_while_the_loss_falls(tmp_path: Path) -> None:
    # given a second layer whose inputs vary hardly at all beside those of the first
    model = perceptron()
    with torch.no_grad():
        model[2].weight.mul_(0.1)
        model[2].bias.zero_()
    # when
    watched = train(model, tmp_path, epochs=1, learning_rate=0.01)
    # then
    assert watched.evaluate_rules()["poor_weight_initialization"]["status"] == "NoIssuesFound"


def test_a_learning_rate_that_is_far_too_small_does_not_decrease_the_loss(tmp_path: Path) -> None:
    verdict = train(perceptron(), tmp_path, epochs=3, learning_rate=1e-9).evaluate_rules()["loss_not_decreasing"]
    assert verdict["status"] == "IssuesFound"
    assert verdict["reason"].startswith("From epoch 1 to epoch 2 the validation loss went from 0.")


def test_a_learning_rate_that_is_far_too_large_lets_the_loss_rise(tmp_path: Path) -> None:
    verdict = train(perceptron(), tmp_path, epochs=4, learning_rate=3.0).evaluate_rules()["loss_not_decreasing"]
    assert verdict["status"] == "IssuesFound"
    assert "(+" in verdict["reason"]


def test_a_rule_without_anything_to_judge_by_is_absent(tmp_path: Path) -> None:
    # given a bare head, which has no ReLU, trained for one epoch, which has no other to compare with
    verdicts = train(nn.Linear(16, 2), tmp_path, epochs=1).evaluate_rules()
    assert set(verdicts) == {"vanishing_gradient", "overfit"}


def test_a_training_that_never_stepped_is_judged_by_no_rule(tmp_path: Path) -> None:
    assert train(perceptron(), tmp_path, epochs=0).evaluate_rules() == {}


def test_the_start_of_a_resumed_training_tells_nothing_about_its_initialisation(tmp_path: Path) -> None:
    verdicts = train(perceptron(), tmp_path, first_step=48).evaluate_rules()
    assert set(verdicts) == RULES - {"poor_weight_initialization"}


def test_an_error_within_a_rule_is_its_status_and_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # given
    watched = train(perceptron(), tmp_path, epochs=2)
    monkeypatch.setattr(evaluation, "vanishing_gradient", lambda _: 1 / 0)
    # when
    verdicts = watched.evaluate_rules()
    # then
    assert verdicts["vanishing_gradient"] == {"status": "Error", "reason": "ZeroDivisionError: division by zero"}
    assert verdicts["poor_weight_initialization"]["status"] == "NoIssuesFound"
    assert "rule:vanishing_gradient=2 ZeroDivisionError: division by zero" in capsys.readouterr().out.splitlines()


def test_verdicts_are_printed_for_the_metric_definitions_and_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verdicts = train(perceptron(14, nn.Sigmoid), tmp_path, epochs=2, learning_rate=1e-9).evaluate_rules()
    lines = capsys.readouterr().out.splitlines()
    assert f"rule:vanishing_gradient=1 {verdicts['vanishing_gradient']['reason']}" in lines
    assert "rule:overfit=0" in lines
    assert json.loads((tmp_path / "rules.json").read_text()) == verdicts
