"""One trial of a tuning job: a training job with proposed hyperparameters, and what came of it."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Mapping
from typing import Any

from moto.sagemaker.exceptions import AWSValidationException

from rehearsal.aws.sagemaker.training import TrainingJob
from rehearsal.aws.sagemaker.tuning_search import Proposal

_NOT_FOR_THE_JOB = {
    "DefinitionName",
    "TuningObjective",
    "HyperParameterRanges",
    "StaticHyperParameters",
    "HyperParameterTuningResourceConfig",
}


class Trial:
    """A training job that a search proposed.

    Attributes
    ----------
    concluded
        Whether the search has learnt how it ended.
    """

    def __init__(self, job: TrainingJob, proposal: Proposal, metric: str) -> None:
        self.job, self.proposal = job, proposal
        self.concluded = False
        self._metric = metric
        self._stopping = False

    @property
    def has_ended(self) -> bool:
        return self.job.status in ("Completed", "Failed", "Stopped")

    @property
    def objective(self) -> float | None:
        """The last value that it printed; None before its end, and when it failed or printed none."""
        values = self.job.values_of(self._metric)
        return values[-1] if values and self.job.status in ("Completed", "Stopped") else None

    @property
    def objective_status(self) -> str:
        if not self.has_ended:
            return "Pending"
        return "Failed" if self.objective is None else "Succeeded"

    def stop_if_hopeless(self) -> None:
        """Stop the training job when what it has printed so far lags behind the other trials."""
        if not self._stopping and self.proposal.hopeless(self.job.values_of(self._metric)):
            self.stop()

    def stop(self) -> None:
        """Stop the training job if it runs."""
        self._stopping = True
        with contextlib.suppress(AWSValidationException):  # it has just ended
            self.job.stop()

    def summary(self) -> dict[str, Any]:
        """HyperParameterTrainingJobSummary."""
        final = None
        if self.objective is not None:
            final = {"MetricName": self._metric, "Value": self.objective}
        members = {
            "TrainingJobName": self.job.name,
            "TrainingJobArn": self.job.arn,
            "CreationTime": self.job.creation_time,
            "TrainingStartTime": self.job.start_time,
            "TrainingEndTime": self.job.end_time,
            "TrainingJobStatus": self.job.status,
            "TunedHyperParameters": self.proposal.hyperparameters,
            "FailureReason": self.job.failure_reason,
            "FinalHyperParameterTuningJobObjectiveMetric": final,
            "ObjectiveStatus": self.objective_status,
        }
        return {name: value for name, value in members.items() if value is not None}


def training_request(
    tuning_job: str, tuning_arn: str, number: int, definition: Mapping[str, Any], tuned: Mapping[str, str], metric: str
) -> dict[str, Any]:
    """The CreateTrainingJob request of a tuning job's n-th trial."""
    hyperparameters = {**(definition.get("StaticHyperParameters") or {}), **tuned, "_tuning_objective_metric": metric}
    return {
        "ResourceConfig": definition.get("HyperParameterTuningResourceConfig"),
        **{name: value for name, value in definition.items() if name not in _NOT_FOR_THE_JOB},
        "TrainingJobName": f"{tuning_job}-{number:03d}-{secrets.token_hex(4)}",
        "HyperParameters": hyperparameters,
        "TuningJobArn": tuning_arn,
    }
