"""Tuning jobs: a search proposes trials, which are training jobs like any other, until enough is known."""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.sagemaker.exceptions import ResourceNotFound
from moto.sagemaker.models import SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse

from rehearsal.aws.pages import page
from rehearsal.aws.sagemaker import jobs, tuning_requests
from rehearsal.aws.sagemaker.jobs import POLL_SECONDS, Ending, Failed, Job
from rehearsal.aws.sagemaker.training import TrainingJob
from rehearsal.aws.sagemaker.tuning_search import Search
from rehearsal.aws.sagemaker.tuning_trial import Trial, training_request

_ATTEMPTS = 5
"""After so many trials without an objective SageMaker gives up."""

_SIGNIFICANT = 0.01
"""An objective that is no more than so much of the best one better does not count as improving."""

_PAGE = 10


class TuningJob(Job):
    """One tuning job. It takes no room on the machine: its trials do."""

    kind = "hyper-parameter-tuning-job"
    share = 0

    def __init__(self, name: str, request: dict[str, Any], backend: SageMakerModelBackend) -> None:
        super().__init__(name, request, backend.account_id, backend.region_name)
        self.trials: list[Trial] = []
        self._training_jobs: dict[str, Job] = backend.training_jobs
        self._config, self._definition = request["HyperParameterTuningJobConfig"], request["TrainingJobDefinition"]
        objective = self._config["HyperParameterTuningJobObjective"]
        self._metric, self._sign = objective["MetricName"], 1 if objective["Type"] == "Maximize" else -1
        self._not_improving = 0

    @property
    def role_arn(self) -> str:
        """The trials' role."""
        return str(self._definition["RoleArn"])

    @property
    def name_in_use(self) -> str:
        return f"A hyperparameter tuning job with the name, {self.name}, already exists. Choose a different name."

    @property
    def hyper_parameter_tuning_job_name(self) -> str:
        return self.name

    @property
    def hyper_parameter_tuning_job_status(self) -> str:
        return self.status

    @property
    def response_object(self) -> dict[str, Any]:
        best = self._best(self.trials)
        description = {
            **self.summary(),
            "HyperParameterTuningJobConfig": self._config,
            "TrainingJobDefinition": self._definition,
            "BestTrainingJob": best.summary() if best else None,
            "FailureReason": self.failure_reason,
            "TuningJobCompletionDetails": {"NumberOfTrainingJobsObjectiveNotImproving": self._not_improving},
            "ConsumedResources": {"RuntimeInSeconds": int(self._seconds())},
        }
        for name in ("Strategy", "ResourceLimits"):  # only a summary says these by themselves
            del description[name]
        return {name: value for name, value in description.items() if value is not None}

    def describe(self) -> dict[str, Any]:
        """DescribeHyperParameterTuningJob's answer, by the name that moto calls."""
        return self.response_object

    def summary(self) -> dict[str, Any]:
        """HyperParameterTuningJobSummary."""
        statuses = Counter(trial.job.status for trial in self.trials)
        objectives = Counter(trial.objective_status for trial in self.trials)
        members = {
            "HyperParameterTuningJobName": self.name,
            "HyperParameterTuningJobArn": self.arn,
            "HyperParameterTuningJobStatus": self.status,
            "Strategy": self._config["Strategy"],
            "CreationTime": self.creation_time,
            "HyperParameterTuningEndTime": self.end_time,
            "LastModifiedTime": self.last_modified_time,
            "TrainingJobStatusCounters": {
                "Completed": statuses["Completed"],
                "InProgress": statuses["InProgress"] + statuses["Stopping"],
                "RetryableError": 0,
                "NonRetryableError": statuses["Failed"],
                "Stopped": statuses["Stopped"],
            },
            "ObjectiveStatusCounters": {status: objectives[status] for status in ("Succeeded", "Pending", "Failed")},
            "ResourceLimits": self._config["ResourceLimits"],
        }
        return {name: value for name, value in members.items() if value is not None}

    def work(self) -> Ending:
        self.start_time = utcnow()
        search = Search(self._config, tuning_requests.max_epochs(self._config, self._definition) or 1)
        try:
            while not self._has_enough():
                self._start_trials(search)
                if self.stop_requested.wait(POLL_SECONDS):
                    return Ending.STOPPED
                self._follow_trials(search)
        finally:
            self._stop_trials()
        if self._best(self.trials) is None:
            raise Failed(self._nothing_measured())
        return Ending.EXITED

    def end(self, status: str, ending: Ending | None) -> None:  # noqa: ARG002
        self.status = status

    def _has_enough(self) -> bool:
        limits = self._config["ResourceLimits"]
        criteria = self._config.get("TuningJobCompletionCriteria") or {}
        patience = (criteria.get("BestObjectiveNotImproving") or {}).get("MaxNumberOfTrainingJobsNotImproving")
        target = criteria.get("TargetObjectiveMetricValue")
        ended = [trial for trial in self.trials if trial.concluded]
        measured = [trial for trial in ended if trial.objective is not None]
        best = self._best(ended)
        return (
            len(ended) >= limits.get("MaxNumberOfTrainingJobs", math.inf)
            or self._seconds() >= limits.get("MaxRuntimeInSeconds", math.inf)
            or (len(ended) >= _ATTEMPTS and not measured)
            or (patience is not None and self._not_improving >= patience)
            or (target is not None and best is not None and self._sign * (self._value(best) - target) >= 0)
        )

    def _start_trials(self, search: Search) -> None:
        limits = self._config["ResourceLimits"]
        running = sum(not trial.concluded for trial in self.trials)
        total = limits.get("MaxNumberOfTrainingJobs", math.inf)
        while running < limits["MaxParallelTrainingJobs"] and len(self.trials) < total:
            proposal = search.propose()
            number, tuned = len(self.trials) + 1, proposal.hyperparameters
            request = training_request(self.name, self.arn, number, self._definition, tuned, self._metric)
            job = TrainingJob(request["TrainingJobName"], request, self.account_id, self.region)
            jobs.create(self._training_jobs, job)
            self.trials.append(Trial(job, proposal, self._metric))
            running += 1

    def _follow_trials(self, search: Search) -> None:
        for trial in self.trials:
            if trial.concluded:
                continue
            if trial.has_ended:
                self._count_improvement(trial)
                trial.concluded = True
                search.conclude(trial.proposal, trial.objective, stopped_early=trial.job.status == "Stopped")
            else:
                trial.stop_if_hopeless()

    def _stop_trials(self) -> None:
        for trial in self.trials:
            if not trial.has_ended:
                trial.stop()
        while not all(trial.has_ended for trial in self.trials):
            time.sleep(POLL_SECONDS)

    def _count_improvement(self, trial: Trial) -> None:
        best = self._best([other for other in self.trials if other.concluded])
        if trial.objective is None or best is None:
            return
        gain = self._sign * (trial.objective - self._value(best))
        self._not_improving = 0 if gain > _SIGNIFICANT * abs(self._value(best)) else self._not_improving + 1

    def _best(self, trials: list[Trial]) -> Trial | None:
        """As in SageMaker, a trial that was stopped is measured and yet never the best."""
        completed = [trial for trial in trials if trial.job.status == "Completed" and trial.objective is not None]
        return max(completed, key=lambda trial: self._sign * self._value(trial), default=None)

    @staticmethod
    def _value(trial: Trial) -> float:
        assert trial.objective is not None
        return trial.objective

    def _nothing_measured(self) -> str:
        if any(trial.job.status == "Completed" for trial in self.trials):
            return (
                f"No objective metrics found after running {len(self.trials)} training jobs. Please ensure that the "
                f"custom algorithm is emitting the objective metric as defined by the regular expression provided."
            )
        return (
            f"No training job succeeded after {len(self.trials)} attempts. Please take a look at the training job "
            f"failures to get more details."
        )

    def _seconds(self) -> float:
        seconds: float = ((self.end_time or utcnow()) - self.creation_time).total_seconds()
        return seconds


def create_hyper_parameter_tuning_job(self: SageMakerResponse) -> ActionResult:
    """CreateHyperParameterTuningJob starts trials; moto's only records the job as completed, with an invented trial."""
    request = json.loads(self.body)
    tuning_requests.check(request)
    backend = self.sagemaker_backend
    job = TuningJob(request["HyperParameterTuningJobName"], request, backend)
    return ActionResult({"HyperParameterTuningJobArn": jobs.create(backend.hyper_parameter_tuning_jobs, job).arn})


def stop_hyper_parameter_tuning_job(self: SageMakerResponse) -> ActionResult:
    """StopHyperParameterTuningJob, which moto lacks: the trials are stopped, too."""
    find(self.sagemaker_backend, self._get_param("HyperParameterTuningJobName")).stop()
    return EmptyResult()


def list_training_jobs_for_hyper_parameter_tuning_job(self: SageMakerResponse) -> ActionResult:
    """ListTrainingJobsForHyperParameterTuningJob, which moto lacks."""
    trials = find(self.sagemaker_backend, self._get_param("HyperParameterTuningJobName")).trials
    status = self._get_param("StatusEquals")
    order = self._get_param("SortBy") or "Name"
    if order == "FinalObjectiveMetricValue":  # those without one are not listed then
        trials = [trial for trial in trials if trial.objective is not None]
    key = {
        "Name": lambda trial: trial.job.name,
        "CreationTime": lambda trial: trial.job.creation_time,
        "Status": lambda trial: trial.job.status,
        "FinalObjectiveMetricValue": lambda trial: trial.objective,
    }[order]
    trials = sorted(trials, key=key, reverse=self._get_param("SortOrder") == "Descending")
    listed = [trial.summary() for trial in trials if status in (None, trial.job.status)]
    limit, token = self._get_param("MaxResults"), self._get_param("NextToken")
    shown, following = page(listed, limit, token, _PAGE, "ValidationException")
    return ActionResult({"TrainingJobSummaries": shown, "NextToken": following})


def find(backend: SageMakerModelBackend, name: str) -> TuningJob:
    """The tuning job of that name. ResourceNotFound when there is none."""
    found = backend.hyper_parameter_tuning_jobs.get(name)
    if found is None:
        message = f"Amazon SageMaker can't find a tuning job called {name}. Type another name."
        raise ResourceNotFound(message=message)
    job: TuningJob = found
    return job
