"""Processing jobs: the container's entrypoint runs as a process, one for each host."""

from __future__ import annotations

import json
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.sagemaker.models import SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse

from rehearsal.aws.sagemaker import jobs, objects
from rehearsal.aws.sagemaker.jobs import Ending, Failed, Job
from rehearsal.aws.sagemaker.machine import ROOM
from rehearsal.aws.sagemaker.processing_host import LOG_GROUP, Host

_MESSAGE_LIMIT = 1024


class ProcessingJob(Job):
    """One processing job."""

    kind = "processing-job"

    def __init__(self, name: str, request: dict[str, Any], account_id: str, region: str) -> None:
        super().__init__(name, request, account_id, region)
        self._exit_message: str | None = None
        count = request["ProcessingResources"]["ClusterConfig"].get("InstanceCount") or 1
        # Each counts as busy as a job of its own, as far as the machine has room.
        self.share = min(count, ROOM)
        self._hosts = [Host(self, index, count) for index in range(count)]

    @property
    def processing_job_name(self) -> str:
        return self.name

    @property
    def processing_job_status(self) -> str:
        return self.status

    @property
    def processing_end_time(self) -> Any:
        return self.end_time

    @property
    def response_object(self) -> dict[str, Any]:
        state = {
            "ProcessingJobArn": self.arn,
            "ProcessingJobStatus": self.status,
            "ExitMessage": self._exit_message,
            "FailureReason": self.failure_reason,
            "CreationTime": self.creation_time,
            "LastModifiedTime": self.last_modified_time,
            "ProcessingStartTime": self.start_time,
            "ProcessingEndTime": self.end_time,
        }
        described = {**self.request, **state}
        return {name: value for name, value in described.items() if value is not None and name != "Tags"}

    def work(self) -> Ending:
        s3 = objects.client(self.region, self.principal)
        self.start_container(self.request["AppSpecification"]["ImageUri"], LOG_GROUP, f"{self.name}/algo-1")
        for host in self._hosts:
            host.prepare(s3, self.response_object)
        self.start_time = utcnow()
        ending = self._run_to_end()
        messages = [host.message for host in self._hosts if host.message is not None]
        if messages:
            self._exit_message = messages[0][:_MESSAGE_LIMIT]
        if ending in (Ending.EXITED, Ending.KILLED) and any(host.exit_code for host in self._hosts):
            raise Failed("AlgorithmError: See job logs for more information")
        for host in self._hosts:
            host.upload(s3)
        return ending

    def end(self, status: str, ending: Ending | None) -> None:  # noqa: ARG002
        self.status = status

    def _run_to_end(self) -> Ending:
        logs = [host.log_stream() for host in self._hosts]

        def pump(*, to_end: bool = False) -> None:
            for log in logs:
                log.pump(to_end=to_end)

        try:
            return self.supervise([host.start() for host in self._hosts], pump)
        finally:
            pump(to_end=True)


def create_processing_job(self: SageMakerResponse) -> ActionResult:
    """CreateProcessingJob starts a process; moto's only records the job as completed."""
    request = json.loads(self.body)
    backend = self.sagemaker_backend
    job = ProcessingJob(request["ProcessingJobName"], request, backend.account_id, backend.region_name)
    return ActionResult({"ProcessingJobArn": jobs.create(backend.processing_jobs, job).arn})


def stop_processing_job(self: SageMakerResponse) -> ActionResult:
    """StopProcessingJob ends the process; moto's only changes the recorded status."""
    find(self.sagemaker_backend, self._get_param("ProcessingJobName")).stop()
    return EmptyResult()


def find(backend: SageMakerModelBackend, name: str) -> Job:
    """The processing job of that name. AWSValidationException when there is none."""
    return jobs.find(backend.processing_jobs, name, f"Could not find requested job with name: {name}")
