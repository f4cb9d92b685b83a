"""Lists of jobs and models: filtered, sorted and only then cut into pages, where moto sorts none and cuts first."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from typing import Any

from moto.core.responses import ActionResult
from moto.sagemaker.exceptions import AWSValidationException
from moto.sagemaker.models import Model
from moto.sagemaker.responses import SageMakerResponse

from rehearsal.aws.pages import page
from rehearsal.aws.sagemaker.jobs import Job
from rehearsal.aws.sagemaker.tuning import TuningJob

_PAGE = 10
"""The length of a page when none is asked for (AWS's figure for tuning jobs; the others' is not documented)."""

_KEYS: dict[str, Callable[[Job], Any]] = {
    "Name": lambda job: job.name,
    "CreationTime": lambda job: job.creation_time,
    "Status": lambda job: job.status,
    "LastModifiedTime": lambda job: job.last_modified_time,
}


class InvalidNextToken(AWSValidationException):
    """The answer to a token that moto's own lists cannot read: moto's is no error of SageMaker."""

    def __init__(self, token: str) -> None:
        super().__init__(f"Invalid Token: '{token}'")


def list_training_jobs(self: SageMakerResponse) -> ActionResult:
    """ListTrainingJobs"""
    jobs = _sorted(self, self.sagemaker_backend.training_jobs.values(), "CreationTime")
    return _page(self, "TrainingJobSummaries", [_summary(job, "TrainingJob", "TrainingEndTime") for job in jobs])


def list_processing_jobs(self: SageMakerResponse) -> ActionResult:
    """ListProcessingJobs"""
    jobs = _sorted(self, self.sagemaker_backend.processing_jobs.values(), "CreationTime")
    return _page(self, "ProcessingJobSummaries", [_summary(job, "ProcessingJob", "ProcessingEndTime") for job in jobs])


def list_hyper_parameter_tuning_jobs(self: SageMakerResponse) -> ActionResult:
    """ListHyperParameterTuningJobs"""
    jobs: list[TuningJob] = _sorted(self, self.sagemaker_backend.hyper_parameter_tuning_jobs.values(), "Name")
    return _page(self, "HyperParameterTuningJobSummaries", [job.summary() for job in jobs])


def list_models(self: SageMakerResponse) -> ActionResult:
    """ListModels: the latest first, which only this list does by itself."""
    models = _sorted(self, map(_ListedModel, self.sagemaker_backend._models.values()), "CreationTime", "Descending")
    return _page(self, "Models", [model.summary for model in models])


class _ListedModel:
    """A model by the names that jobs have."""

    status = None

    def __init__(self, model: Model) -> None:
        self.name = model.model_name
        self.creation_time = self.last_modified_time = model.creation_time
        self.summary = {"ModelName": self.name, "ModelArn": model.arn, "CreationTime": self.creation_time}


def _sorted(response: SageMakerResponse, jobs: Iterable[Any], default: str, order: str = "Ascending") -> list[Any]:
    """The jobs that a request asks for, in its order."""
    ask = response._get_param
    wanted = [
        job
        for job in list(jobs)
        if (ask("NameContains") or "") in job.name
        and ask("StatusEquals") in (None, job.status)
        and _is_between(job.creation_time, ask("CreationTimeAfter"), ask("CreationTimeBefore"))
        and _is_between(job.last_modified_time, ask("LastModifiedTimeAfter"), ask("LastModifiedTimeBefore"))
    ]
    key = _KEYS[ask("SortBy") or default]
    return sorted(wanted, key=key, reverse=(ask("SortOrder") or order) == "Descending")


def _is_between(moment: datetime.datetime, after: Any, before: Any) -> bool:
    return (after is None or moment > _naive(after)) and (before is None or moment < _naive(before))


def _naive(asked: Any) -> datetime.datetime:
    """A request's time as moto keeps times: UTC without saying so."""
    is_number = not isinstance(asked, datetime.datetime)
    moment: datetime.datetime = datetime.datetime.fromtimestamp(float(asked), datetime.UTC) if is_number else asked
    return moment.astimezone(datetime.UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _summary(job: Job, kind: str, end: str) -> dict[str, Any]:
    members = {
        f"{kind}Name": job.name,
        f"{kind}Arn": job.arn,
        "CreationTime": job.creation_time,
        end: job.end_time,
        "LastModifiedTime": job.last_modified_time,
        f"{kind}Status": job.status,
        "FailureReason": job.failure_reason if kind == "ProcessingJob" else None,
    }
    return {name: value for name, value in members.items() if value is not None}


def _page(response: SageMakerResponse, member: str, summaries: list[dict[str, Any]]) -> ActionResult:
    limit, token = response._get_param("MaxResults"), response._get_param("NextToken")
    shown, following = page(summaries, limit, token, _PAGE, "ValidationException")
    return ActionResult({member: shown, "NextToken": following})
