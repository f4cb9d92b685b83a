"""The search behind a tuning job: Optuna proposes hyperparameters and judges trials that are under way.

Bayesian search models the objective by a Gaussian process, as SageMaker's does: over the seed's ranges (a logarithmic,
a categorical and an integer one) it found better values in ten trials than Optuna's TPE, which draws its first ten at
random. Optuna is imported when the first search starts: with torch, which the Gaussian process needs, it is large.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.trial import Trial

_STARTUP_TRIALS = 3
"""Trials at random before the Gaussian process has something to say; the usual tuning job has ten in all."""


class Search:
    """A study of one tuning job.

    Parameters
    ----------
    config
        HyperParameterTuningJobConfig.
    max_epochs
        Hyperband's MaxResource.
    """

    def __init__(self, config: Mapping[str, Any], max_epochs: int) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._states = optuna.trial.TrialState
        self._ranges = dict(_distributions(config["ParameterRanges"]))
        direction = config["HyperParameterTuningJobObjective"]["Type"].lower()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self._study = optuna.create_study(
                study_name="tuning",  # Hyperband's brackets depend on it
                direction=direction,
                sampler=_sampler(config),
                pruner=_pruner(config, max_epochs),
            )

    def propose(self) -> Proposal:
        """Hyperparameters for the next trial."""
        return Proposal(self._study.ask(self._ranges))

    def conclude(self, proposal: Proposal, value: float | None, *, stopped_early: bool) -> None:
        """Learn how a trial ended; ``value`` is None when it measured nothing."""
        if value is None:
            self._study.tell(proposal.trial, state=self._states.FAIL)
        elif stopped_early:
            self._study.tell(proposal.trial, state=self._states.PRUNED)
        else:
            self._study.tell(proposal.trial, value)


class Proposal:
    """One trial's hyperparameters, and whether it is worth going on with."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self._epochs = 0

    @property
    def hyperparameters(self) -> dict[str, str]:
        """All are text, as in every SageMaker request; a categorical value is the given one, with any quotes it has."""
        return {name: _text(value) for name, value in self.trial.params.items()}

    def hopeless(self, values: list[float]) -> bool:
        """Whether to stop the trial, after all values of the objective that it has printed so far, one an epoch."""
        for epoch, value in enumerate(values[self._epochs :], start=self._epochs + 1):
            self.trial.report(value, epoch)
        news = len(values) > self._epochs
        self._epochs = len(values)
        return news and self.trial.should_prune()


def _distributions(ranges: Mapping[str, Any]) -> Iterator[tuple[str, BaseDistribution]]:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    for entry in ranges.get("ContinuousParameterRanges") or []:
        low, high = float(entry["MinValue"]), float(entry["MaxValue"])
        yield entry["Name"], FloatDistribution(low, high, log=_is_logarithmic(entry))
    for entry in ranges.get("IntegerParameterRanges") or []:
        low, high = int(entry["MinValue"]), int(entry["MaxValue"])
        yield entry["Name"], IntDistribution(low, high, log=_is_logarithmic(entry))
    for entry in ranges.get("CategoricalParameterRanges") or []:
        yield entry["Name"], CategoricalDistribution(entry["Values"])


def _is_logarithmic(entry: Mapping[str, Any]) -> bool:
    return entry.get("ScalingType") == "Logarithmic"


def _sampler(config: Mapping[str, Any]) -> BaseSampler:
    from optuna.samplers import GPSampler, RandomSampler

    # Where none is given SageMaker's proposals are random; a rehearsal is repeatable.
    seed = config.get("RandomSeed", 0)
    if config["Strategy"] == "Bayesian":
        return GPSampler(seed=seed, n_startup_trials=_STARTUP_TRIALS)
    return RandomSampler(seed=seed)


def _pruner(config: Mapping[str, Any], max_epochs: int) -> BasePruner:
    from optuna.pruners import HyperbandPruner, MedianPruner, NopPruner

    if config["Strategy"] == "Hyperband":
        limits = (config.get("StrategyConfig") or {}).get("HyperbandStrategyConfig") or {}
        return HyperbandPruner(min_resource=limits.get("MinResource") or 1, max_resource=max_epochs)
    if config.get("TrainingJobEarlyStoppingType") == "Auto":
        return MedianPruner(n_startup_trials=_STARTUP_TRIALS)
    return NopPruner()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)
