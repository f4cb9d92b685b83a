"""The search behind tuning jobs: within its ranges, repeatable by seed, better than chance, and impatient if asked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from rehearsal.aws.sagemaker.tuning_search import Search

RANGES = {
    "ContinuousParameterRanges": [
        {"Name": "lr", "MinValue": "1e-5", "MaxValue": "0.01", "ScalingType": "Logarithmic"},
    ],
    "IntegerParameterRanges": [{"Name": "epochs", "MinValue": "10", "MaxValue": "20", "ScalingType": "Linear"}],
    "CategoricalParameterRanges": [{"Name": "batch-size", "Values": ['"32"', "64"]}],
}


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """As in the emulated AWS on two cores: several would wait for each other while another test has their core."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def config(strategy: str, seed: int = 0, goal: str = "Maximize", **more: Any) -> dict[str, Any]:
    objective = {"Type": goal, "MetricName": "validation:accuracy"}
    given = {"Strategy": strategy, "RandomSeed": seed, "HyperParameterTuningJobObjective": objective}
    return {**given, "ParameterRanges": RANGES, **more}


def quality(hyperparameters: dict[str, str]) -> float:
    """Best at lr = 0.001."""
    return -abs(math.log10(float(hyperparameters["lr"])) + 3)


def tune(settings: dict[str, Any], trials: int, sign: int = 1) -> list[dict[str, str]]:
    """The proposals of a sequential run in which each trial's objective is its quality."""
    search, proposed = Search(settings, max_epochs=20), []
    for _ in range(trials):
        proposal = search.propose()
        proposed.append(proposal.hyperparameters)
        search.conclude(proposal, sign * quality(proposed[-1]), stopped_early=False)
    return proposed


@pytest.mark.parametrize("strategy", ["Bayesian", "Random", "Hyperband"])
def test_proposals_are_texts_within_the_ranges_and_follow_from_the_seed(strategy: str) -> None:
    proposed = tune(config(strategy, seed=1), trials=8)

    assert all(1e-5 <= float(values["lr"]) <= 0.01 for values in proposed)
    assert all(int(values["epochs"]) in range(10, 21) for values in proposed)
    assert {values["batch-size"] for values in proposed} == {'"32"', "64"}
    assert min(float(values["lr"]) for values in proposed) < 0.001  # half of a logarithmic range, a tenth of a linear
    assert proposed == tune(config(strategy, seed=1), trials=8)
    assert proposed[0] != tune(config(strategy, seed=2), trials=1)[0]
    # The state machine gives none.
    unseeded = {name: value for name, value in config(strategy).items() if name != "RandomSeed"}
    assert tune(unseeded, trials=4) == tune(unseeded, trials=4)


def test_bayesian_search_learns_from_trials() -> None:
    # given ten trials each, for several seeds, up- and downhill
    def mean_best(strategy: str, sign: int, goal: str) -> float:
        runs = [tune(config(strategy, seed, goal), 10, sign) for seed in range(5)]
        return sum(max(map(quality, run[5:])) for run in runs) / len(runs)

    # then its later proposals beat those of random search
    uphill = mean_best("Bayesian", 1, "Maximize")
    assert uphill > mean_best("Random", 1, "Maximize")
    assert uphill == mean_best("Bayesian", -1, "Minimize")


def test_failed_trials_teach_nothing_and_do_no_harm() -> None:
    search = Search(config("Bayesian"), max_epochs=1)
    for trial in range(5):
        proposal = search.propose()
        search.conclude(proposal, None if trial % 2 else 0.5, stopped_early=False)

    assert set(search.propose().hyperparameters) == {"lr", "epochs", "batch-size"}


@pytest.mark.parametrize("settings", [config("Hyperband"), config("Bayesian", TrainingJobEarlyStoppingType="Auto")])
def test_a_trial_that_lags_behind_is_hopeless_and_a_leading_one_is_not(settings: dict[str, Any]) -> None:
    # given a dozen good trials of nine epochs
    search = Search(settings, max_epochs=9)
    for _ in range(12):
        good = search.propose()
        assert not any(good.hopeless([0.5] * epochs) for epochs in range(1, 10)), "equals cannot lag behind"
        search.conclude(good, 0.5, stopped_early=False)

    # when bad and better ones follow
    bad = [search.propose() for _ in range(6)]
    better = [search.propose() for _ in range(6)]

    # then only bad ones are stopped, and early
    assert any(trial.hopeless([0.1]) or trial.hopeless([0.1, 0.1, 0.1]) for trial in bad)
    assert not any(trial.hopeless([0.6] * 8) for trial in better)


def test_without_early_stopping_no_trial_is_hopeless() -> None:
    search = Search(config("Bayesian"), max_epochs=9)
    for _ in range(5):
        proposal = search.propose()
        search.conclude(proposal, 0.5, stopped_early=False)

    assert not search.propose().hopeless([0.0] * 9)
