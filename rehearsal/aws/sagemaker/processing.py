"""Processing jobs: the container's entrypoint runs as a process.

A laptop has no writable /opt/ml/processing, so that path is replaced by the job's folder wherever the entrypoint,
the arguments and the environment name it. The image is not looked at: ``python3`` is this environment's.
"""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.sagemaker.responses import SageMakerResponse

from rehearsal.aws import processes
from rehearsal.aws.sagemaker import jobs, objects
from rehearsal.aws.sagemaker.cloudwatch_logs import LogStream
from rehearsal.aws.sagemaker.jobs import Ending, Failed, Job

LOG_GROUP = "/aws/sagemaker/ProcessingJobs"

_CONTAINER_ROOT = re.compile(r"/opt/ml(?=/(processing|output|config)\b)")
_MESSAGE_LIMIT = 1024


class ProcessingJob(Job):
    """One processing job, on one host."""

    kind = "processing-job"

    def __init__(self, name: str, request: dict[str, Any], account_id: str, region: str) -> None:
        super().__init__(name, request, account_id, region)
        self._exit_message: str | None = None

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
        volume = self.request["ProcessingResources"]["ClusterConfig"]["VolumeSizeInGB"] << 30
        for source in self.request.get("ProcessingInputs") or []:
            place = self._local(source["S3Input"]["LocalPath"])
            objects.download(s3, source["S3Input"]["S3Uri"], place, room=volume - objects.size(self.folder))
        outputs = (self.request.get("ProcessingOutputConfig") or {}).get("Outputs") or []
        for output in outputs:
            self._local(output["S3Output"]["LocalPath"]).mkdir(parents=True, exist_ok=True)
        (self.folder / "output").mkdir()
        self._configure()
        self.start_time = utcnow()
        ending, exit_code = self._execute()
        message = self.folder / "output/message"
        if message.exists():
            self._exit_message = message.read_text(errors="replace").strip()[:_MESSAGE_LIMIT]
        if ending in (Ending.EXITED, Ending.KILLED) and exit_code:
            raise Failed("AlgorithmError: See job logs for more information")
        for output in outputs:
            objects.upload(s3, self._local(output["S3Output"]["LocalPath"]), output["S3Output"]["S3Uri"])
        return ending

    def end(self, status: str, ending: Ending | None) -> None:  # noqa: ARG002
        self.status = status

    def _execute(self) -> tuple[Ending, int]:
        specification = self.request["AppSpecification"]
        command = (specification.get("ContainerEntrypoint") or []) + (specification.get("ContainerArguments") or [])
        environment = {name: self._relocated(value) for name, value in self.environment({}).items()}
        file = self.folder / "log"
        stream = f"{self.name}/algo-1-{int(time.time() * 1000)}"
        log = LogStream(self.account_id, self.region, LOG_GROUP, stream, file)
        process = processes.start(
            [self._relocated(argument) for argument in command], cwd=self.folder, env=environment, log=file
        )
        try:
            ending = self.supervise([process], log.pump)
        finally:
            log.pump(to_end=True)
        return ending, jobs.container_exit_code(process)

    def _configure(self) -> None:
        folder = self.folder / "config"
        folder.mkdir()
        (folder / "processingjobconfig.json").write_text(json.dumps(self.response_object, default=str))
        hosts = {"current_host": "algo-1", "hosts": ["algo-1"]}
        (folder / "resourceconfig.json").write_text(json.dumps(hosts))

    def _relocated(self, text: str) -> str:
        return _CONTAINER_ROOT.sub(lambda _: str(self.folder), text)

    def _local(self, container_path: str) -> Path:
        return Path(self._relocated(container_path))


def create_processing_job(self: SageMakerResponse) -> ActionResult:
    """CreateProcessingJob starts a process; moto's only records the job as completed."""
    request = json.loads(self.body)
    backend = self.sagemaker_backend
    job = ProcessingJob(request["ProcessingJobName"], request, backend.account_id, backend.region_name)
    return ActionResult({"ProcessingJobArn": jobs.create(backend.processing_jobs, job).arn})


def stop_processing_job(self: SageMakerResponse) -> ActionResult:
    """StopProcessingJob ends the process; moto's only changes the recorded status."""
    jobs.find(self.sagemaker_backend.processing_jobs, self._get_param("ProcessingJobName")).stop()
    return EmptyResult()
