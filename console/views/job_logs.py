"""What running SageMaker jobs last said: their epochs, read from CloudWatch Logs, and how far a search has come."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Protocol

from botocore.exceptions import ClientError

_LOGS = {
    "createTrainingJob": ("/aws/sagemaker/TrainingJobs", "TrainingJobName"),
    "createProcessingJob": ("/aws/sagemaker/ProcessingJobs", "ProcessingJobName"),
}
# At its end a training repeats the line of its best epoch.
_EPOCH = re.compile(r"(?<!best )\bepoch=(\d+) .*")


class JobNotes(Protocol):
    """What to tell of one running job."""

    job: str

    def notes(self) -> list[str]:
        """Lines worth keeping when they change."""

    def live_notes(self) -> list[str]:
        """Lines that change too often to be kept."""


def notes_on(logs: Any, sagemaker: Any, action: str, arguments: Mapping[str, Any]) -> JobNotes | None:
    """What tells of a job; None when the action makes no job that says something.

    Parameters
    ----------
    logs, sagemaker
        Clients of CloudWatch Logs and SageMaker.
    action, arguments
        The API action that made the job, and what it was given.
    """
    if action == "createHyperParameterTuningJob":
        return TuningNotes(logs, sagemaker, arguments)
    return JobLog(logs, action, arguments) if action in _LOGS else None


class JobLog:
    """The latest epoch of one job.

    Parameters
    ----------
    logs
        A CloudWatch Logs client.
    action, arguments
        The API action that made the job, and what it was given.
    """

    def __init__(self, logs: Any, action: str, arguments: Mapping[str, Any]) -> None:
        self._logs = logs
        self._group, name = _LOGS[action]
        self.job: str = arguments[name]
        self._epochs = arguments.get("HyperParameters", {}).get("epochs")
        self._since = 0
        self._latest: str | None = None

    def notes(self) -> list[str]:
        return [f"{self.job}  {self.latest_epoch() or 'is starting'}"]

    def live_notes(self) -> list[str]:
        return []

    def latest_epoch(self) -> str | None:
        """The last line of metrics, as "epoch 3/15  train:loss=1.2 ..."; None before the first."""
        for message in self._messages():
            if match := _EPOCH.search(message):
                of = f"/{self._epochs}" if self._epochs else ""
                self._latest = match.group().replace(f"epoch={match[1]}", f"epoch {match[1]}{of} ")
        return self._latest

    def _messages(self) -> list[str]:
        try:
            streams = self._logs.describe_log_streams(logGroupName=self._group, logStreamNamePrefix=f"{self.job}/")
            names = [stream["logStreamName"] for stream in streams["logStreams"]]
            if not names:
                return []
            pages = self._logs.get_paginator("filter_log_events").paginate(
                logGroupName=self._group, logStreamNames=names, startTime=self._since
            )
            events = [event for page in pages for event in page["events"]]
        except ClientError:  # no job has written yet, AWS throttles, or somebody may not read logs
            return []
        self._since = max([self._since, *(event["timestamp"] for event in events)])
        return [event["message"] for event in events]


class TuningNotes:
    """How many trials of a tuning job have ended, the best of them, and the latest epoch of each that runs."""

    def __init__(self, logs: Any, sagemaker: Any, arguments: Mapping[str, Any]) -> None:
        self._logs, self._sagemaker = logs, sagemaker
        self.job: str = arguments["HyperParameterTuningJobName"]
        self._trials: dict[str, JobLog] = {}

    def notes(self) -> list[str]:
        try:
            job = self._sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=self.job)
        except ClientError:  # the task was scheduled and has not created it yet
            return [f"{self.job}  is starting"]
        counters = job["TrainingJobStatusCounters"]
        ended = counters["Completed"] + counters["Stopped"] + counters["NonRetryableError"]
        total = job["HyperParameterTuningJobConfig"]["ResourceLimits"].get("MaxNumberOfTrainingJobs")
        return [f"{self.job}  {ended}{f'/{total}' if total else ''} trials have ended{_best(job)}"]

    def live_notes(self) -> list[str]:
        try:
            running = self._sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
                HyperParameterTuningJobName=self.job, StatusEquals="InProgress"
            )
        except ClientError:
            return []
        return [note for trial in running["TrainingJobSummaries"] for note in self._log_of(trial).notes()]

    def _log_of(self, trial: Mapping[str, Any]) -> JobLog:
        name = trial["TrainingJobName"]
        arguments = {"TrainingJobName": name, "HyperParameters": trial["TunedHyperParameters"]}
        return self._trials.setdefault(name, JobLog(self._logs, "createTrainingJob", arguments))


def _best(job: Mapping[str, Any]) -> str:
    if "BestTrainingJob" not in job:
        return ""
    best = job["BestTrainingJob"]
    metric = best["FinalHyperParameterTuningJobObjectiveMetric"]
    tuned = " ".join(f"{name}={_short(value)}" for name, value in best["TunedHyperParameters"].items())
    return f", best {metric['MetricName']}={metric['Value']:.4g} at {tuned}"


def _short(value: str) -> str:
    try:
        return f"{float(value):.4g}"
    except ValueError:
        return value
