"""What SageMaker refuses of a CreateHyperParameterTuningJob request as a whole, and what this emulation lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from moto.sagemaker.exceptions import AWSValidationException

from rehearsal.aws.sagemaker import training

_EPOCHS = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")
"""Static hyperparameters from which SageMaker infers Hyperband's MaxResource, in its order."""


def check(request: Mapping[str, Any]) -> None:
    """Refuse a request that SageMaker would refuse, or that could only be emulated wrongly.

    Raises
    ------
    AWSValidationException
        With one sentence.
    """
    config, definition = request["HyperParameterTuningJobConfig"], request.get("TrainingJobDefinition") or {}
    for sentence in chain(_lacking(request), _missing(config, definition), _contradictions(config, definition)):
        raise AWSValidationException(sentence)
    training.check_spot(definition)


def max_epochs(config: Mapping[str, Any], definition: Mapping[str, Any]) -> int | None:
    """Hyperband's MaxResource, given or inferred as SageMaker does; None when it can't be."""
    hyperband = (config.get("StrategyConfig") or {}).get("HyperbandStrategyConfig") or {}
    static = definition.get("StaticHyperParameters") or {}
    inferred = next((int(static[name].strip('"')) for name in _EPOCHS if name in static), None)
    return hyperband.get("MaxResource") or inferred


def _lacking(request: Mapping[str, Any]) -> Iterator[str]:
    config = request["HyperParameterTuningJobConfig"]
    for member in ("TrainingJobDefinitions", "WarmStartConfig", "Autotune"):
        if request.get(member):
            yield f"The emulated SageMaker knows no {member}; leave it out."
    if config["Strategy"] == "Grid":
        yield "The emulated SageMaker knows no Grid strategy; use Bayesian, Random or Hyperband."
    if (_criteria(config).get("ConvergenceDetected") or {}).get("CompleteOnConvergence") == "Enabled":
        yield (
            "The emulated SageMaker cannot complete on convergence, as AWS does not say how it detects it; leave "
            "CompleteOnConvergence Disabled, and use BestObjectiveNotImproving or TargetObjectiveMetricValue."
        )
    for entry in _numeric(config):
        if entry.get("ScalingType") == "ReverseLogarithmic":
            yield f"The emulated SageMaker knows no ReverseLogarithmic scaling; change that of {entry['Name']}."


def _missing(config: Mapping[str, Any], definition: Mapping[str, Any]) -> Iterator[str]:
    for member in ("HyperParameterTuningJobObjective", "ParameterRanges"):
        if not config.get(member):
            yield f"HyperParameterTuningJobConfig must have a {member}."
    if not definition:
        yield "A TrainingJobDefinition is required."
    if not (definition.get("ResourceConfig") or definition.get("HyperParameterTuningResourceConfig")):
        yield "The TrainingJobDefinition must have a ResourceConfig or a HyperParameterTuningResourceConfig."
    defined = {entry["Name"] for entry in definition["AlgorithmSpecification"].get("MetricDefinitions") or []}
    if config["HyperParameterTuningJobObjective"]["MetricName"] not in defined:
        yield (
            "A metric is required for this hyperparameter tuning job objective. Provide a metric in the metric "
            "definitions."
        )


def _contradictions(config: Mapping[str, Any], definition: Mapping[str, Any]) -> Iterator[str]:
    limits = config["ResourceLimits"]
    jobs, parallel = limits.get("MaxNumberOfTrainingJobs"), limits["MaxParallelTrainingJobs"]
    if jobs is not None and parallel > jobs:
        yield f"MaxParallelTrainingJobs {parallel} must not be greater than MaxNumberOfTrainingJobs {jobs}."
    if config["Strategy"] == "Hyperband":
        if config.get("TrainingJobEarlyStoppingType") == "Auto":
            yield "TrainingJobEarlyStoppingType must be Off when Strategy is Hyperband, which stops jobs by itself."
        if max_epochs(config, definition) is None:
            yield (
                "HyperbandStrategyConfig has no MaxResource, and none can be inferred from the static "
                f"hyperparameters {', '.join(_EPOCHS)}."
            )
    static = definition.get("StaticHyperParameters") or {}
    for entry in (*_numeric(config), *(config["ParameterRanges"].get("CategoricalParameterRanges") or [])):
        if entry["Name"] in static:
            yield f"The hyperparameter {entry['Name']} cannot be both static and tuned."
    for entry in _numeric(config):
        low, high = float(entry["MinValue"]), float(entry["MaxValue"])
        if low >= high:
            yield f"The MinValue {low:g} of {entry['Name']} must be less than its MaxValue {high:g}."
        if low <= 0 and entry.get("ScalingType") == "Logarithmic":
            yield f"The MinValue {low:g} of {entry['Name']} must be greater than 0 for Logarithmic scaling."


def _criteria(config: Mapping[str, Any]) -> Mapping[str, Any]:
    return config.get("TuningJobCompletionCriteria") or {}


def _numeric(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    ranges = config.get("ParameterRanges") or {}
    return [*(ranges.get("ContinuousParameterRanges") or []), *(ranges.get("IntegerParameterRanges") or [])]
