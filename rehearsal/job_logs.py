"""What a running SageMaker job last said in CloudWatch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_LOGS = {
    "createTrainingJob": ("/aws/sagemaker/TrainingJobs", "TrainingJobName"),
    "createHyperParameterTuningJob": ("/aws/sagemaker/TrainingJobs", "HyperParameterTuningJobName"),
    "createProcessingJob": ("/aws/sagemaker/ProcessingJobs", "ProcessingJobName"),
}
_EPOCH = re.compile(r"\bepoch=(\d+) .*")


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

    @staticmethod
    def exists_for(action: str) -> bool:
        return action in _LOGS

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
        except self._logs.exceptions.ResourceNotFoundException:  # no job has written yet
            return []
        names = [stream["logStreamName"] for stream in streams["logStreams"]]
        if not names:
            return []
        pages = self._logs.get_paginator("filter_log_events").paginate(
            logGroupName=self._group, logStreamNames=names, startTime=self._since
        )
        events = [event for page in pages for event in page["events"]]
        self._since = max([self._since, *(event["timestamp"] for event in events)])
        return [event["message"] for event in events]
