"""Training jobs: AWS's own training toolkit runs the script, one process for each host.

A script that asks for it is started by torchrun, as in AWS's PyTorch image. A spot job whose process is killed goes on
from the checkpoints that had reached S3, as after an interruption. The training image is not looked at: the script runs
in this environment's Python.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections import defaultdict
from datetime import datetime
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.sagemaker.exceptions import AWSValidationException
from moto.sagemaker.responses import SageMakerResponse

from rehearsal.aws.sagemaker import jobs, objects
from rehearsal.aws.sagemaker.jobs import Ending, Failed, Job
from rehearsal.aws.sagemaker.machine import ROOM
from rehearsal.aws.sagemaker.training_host import LOG_GROUP, Host

_CHECKPOINT_SYNC_SECONDS = 2.0
_MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Interrupted": "The process was killed from outside; the job goes on from its checkpoints",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "MaxWaitTimeExceeded": "Training job wait time exceeded MaxWaitTimeInSeconds provided",
}


class TrainingJob(Job):
    """One training job."""

    kind = "training-job"

    def __init__(self, name: str, request: dict[str, Any], account_id: str, region: str) -> None:
        super().__init__(name, request, account_id, region)
        self._transitions: list[dict[str, Any]] = []
        self._metrics: defaultdict[str, list[tuple[float, datetime]]] = defaultdict(list)
        count = request["ResourceConfig"].get("InstanceCount") or 1
        # Trials run side by side. Any other training computes on all cores, of its hosts each on its part.
        self.share = 1 if count == 1 and "TuningJobArn" in request else ROOM
        self._when_out_of_time = "MaxRuntimeExceeded"
        self._hosts = [Host(self, index, count) for index in range(count)]
        output = request["OutputDataConfig"]["S3OutputPath"].rstrip("/")
        self._output = f"{output}/{name}/output"
        self._enter("Starting")

    @property
    def training_job_name(self) -> str:
        return self.name

    @property
    def training_job_status(self) -> str:
        return self.status

    @property
    def training_end_time(self) -> Any:
        return self.end_time

    @property
    def response_object(self) -> dict[str, Any]:
        seconds = int(((self.end_time or utcnow()) - self.start_time).total_seconds()) if self.start_time else None
        state = {
            "TrainingJobArn": self.arn,
            "TrainingJobStatus": self.status,
            "SecondaryStatus": self._transitions[-1]["Status"],
            "SecondaryStatusTransitions": self._transitions,
            "FailureReason": self.failure_reason,
            "ModelArtifacts": {"S3ModelArtifacts": f"{self._output}/model.tar.gz"},
            "FinalMetricDataList": [
                {"MetricName": name, "Value": values[-1][0], "Timestamp": values[-1][1]}
                for name, values in self._metrics.items()
            ],
            "CreationTime": self.creation_time,
            "LastModifiedTime": self.last_modified_time,
            "TrainingStartTime": self.start_time,
            "TrainingEndTime": self.end_time,
            # No capacity is rented here, so a spot job saves nothing: every second is billed.
            "TrainingTimeInSeconds": seconds if self.end_time else None,
            "BillableTimeInSeconds": seconds if self.end_time else None,
            "EnableManagedSpotTraining": False,
            "EnableNetworkIsolation": False,
            "EnableInterContainerTrafficEncryption": False,
        }
        described = {**state, **{name: value for name, value in self.request.items() if name != "Tags"}}
        described["OutputDataConfig"] = {"KmsKeyId": "", **self.request["OutputDataConfig"]}
        return {name: value for name, value in described.items() if value is not None}

    def values_of(self, metric: str) -> list[float]:
        """Every value that the script has printed of a metric, oldest first."""
        return [value for value, _ in self._metrics.get(metric, [])]

    def seconds_left(self) -> float:
        left = super().seconds_left()
        wait = self.request["StoppingCondition"].get("MaxWaitTimeInSeconds", math.inf)
        return float(min(left, wait - (utcnow() - self.creation_time).total_seconds()))

    def work(self) -> Ending:
        s3 = objects.client(self.region, self.principal)
        self.start_container(self.request["AlgorithmSpecification"]["TrainingImage"], LOG_GROUP, f"{self.name}/algo-1")
        while (ending := self._train(s3)) is Ending.KILLED and self.request.get("EnableManagedSpotTraining"):
            self._enter("Interrupted")
            self._enter("Starting")
        failed = [host for host in self._hosts if host.exit_code]
        if ending in (Ending.EXITED, Ending.KILLED) and failed:
            raise Failed(min(failed, key=Host.failed_at).failure_reason())
        self._enter("Uploading")
        if any(host.room() < 0 for host in self._hosts):
            raise Failed("ClientError: Artifact upload failed:Insufficient disk space")
        for name, part in (("model", "model"), ("output", "output/data")):
            folders = [host.folder / part for host in self._hosts]
            objects.upload_archive(s3, folders, f"{self._output}/{name}.tar.gz")
        return ending

    def stop(self) -> None:
        was_running = self.status == "InProgress"
        super().stop()
        if was_running:
            self._enter("Stopping")

    def end(self, status: str, ending: Ending | None) -> None:
        self._enter(self._when_out_of_time if ending is Ending.OUT_OF_TIME else status)
        self._transitions[-1]["EndTime"] = utcnow()
        self.status = status

    def _train(self, s3: Any) -> Ending:
        """Give every host a fresh folder, and run the script until it ends or is ended."""
        self._enter("Downloading")
        self.start_time = self.start_time or utcnow()
        for host in self._hosts:
            host.prepare(s3)
        checkpoints = [host.checkpoints(s3) for host in self._hosts if "CheckpointConfig" in self.request]
        for folder in checkpoints:
            folder.restore()
        self._enter("Training")
        logs = [host.log_stream() for host in self._hosts]
        next_sync = time.monotonic() + _CHECKPOINT_SYNC_SECONDS

        def read_logs(*, to_end: bool = False) -> None:
            for log in logs:
                self._read_metrics(log.pump(to_end=to_end))

        def carry() -> None:
            nonlocal next_sync
            read_logs()
            if (started := time.monotonic()) > next_sync:
                upload_checkpoints()
                ended = time.monotonic()
                # It takes a core from the training: a tenth of the time is enough.
                next_sync = ended + max(_CHECKPOINT_SYNC_SECONDS, 9 * (ended - started))

        def upload_checkpoints() -> None:
            for folder in checkpoints:
                folder.upload_changes()

        if self.seconds_left() < super().seconds_left():
            self._when_out_of_time = "MaxWaitTimeExceeded"
        try:
            ending = self.supervise([host.start() for host in self._hosts], carry)
        finally:
            read_logs(to_end=True)
        if ending is not Ending.KILLED:  # what was on a machine that is gone is lost
            upload_checkpoints()
        return ending

    def _read_metrics(self, lines: list[str]) -> None:
        for definition in self.request["AlgorithmSpecification"].get("MetricDefinitions") or []:
            for line in lines:
                found = re.search(definition["Regex"], line)
                if found and math.isfinite(value := float(found.group(1))):
                    self._metrics[definition["Name"]].append((value, utcnow()))

    def _enter(self, status: str) -> None:
        now = utcnow()
        if self._transitions:
            self._transitions[-1].setdefault("EndTime", now)
        self._transitions.append({"Status": status, "StartTime": now, "StatusMessage": _MESSAGES[status]})
        self.last_modified_time = now


def create_training_job(self: SageMakerResponse) -> ActionResult:
    """CreateTrainingJob starts a process; moto's only records the job as completed."""
    request = json.loads(self.body)
    check_spot(request)
    backend = self.sagemaker_backend
    job = TrainingJob(request["TrainingJobName"], request, backend.account_id, backend.region_name)
    return ActionResult({"TrainingJobArn": jobs.create(backend.training_jobs, job).arn})


def stop_training_job(self: SageMakerResponse) -> ActionResult:
    """StopTrainingJob, which moto lacks."""
    jobs.find(self.sagemaker_backend.training_jobs, self._get_param("TrainingJobName")).stop()
    return EmptyResult()


def check_spot(request: dict[str, Any]) -> None:
    """Refuse time limits that SageMaker refuses. AWSValidationException with its sentence."""
    limits = request["StoppingCondition"]
    wait, runtime = limits.get("MaxWaitTimeInSeconds"), limits.get("MaxRuntimeInSeconds", 86400)
    if request.get("EnableManagedSpotTraining"):
        if wait is None or wait < runtime:
            raise AWSValidationException(
                "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds"
            )
    elif wait is not None:
        raise AWSValidationException(
            "MaxWaitTimeInSeconds is only supported when EnableManagedSpotTraining is set to True"
        )
