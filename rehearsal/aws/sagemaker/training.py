"""Training jobs: AWS's own training toolkit runs the script, one process for each host.

A laptop has no writable /opt/ml, so each host has a folder in its place (``SAGEMAKER_BASE_DIR``), and a script that
keeps checkpoints finds their folder in the environment variable ``CHECKPOINT_DIR``. The training image is not
looked at: the script runs in this environment's Python.
"""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.sagemaker.exceptions import AWSValidationException
from moto.sagemaker.responses import SageMakerResponse

from rehearsal.aws import processes
from rehearsal.aws.sagemaker import jobs, objects
from rehearsal.aws.sagemaker.cloudwatch_logs import LogStream
from rehearsal.aws.sagemaker.jobs import Ending, Failed, Job

LOG_GROUP = "/aws/sagemaker/TrainingJobs"

_TOOLKIT = Path(sys.executable).with_name("train")
_CHECKPOINT_SYNC_SECONDS = 2.0
_MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
}


class TrainingJob(Job):
    """One training job."""

    kind = "training-job"

    def __init__(self, name: str, request: dict[str, Any], account_id: str, region: str) -> None:
        super().__init__(name, request, account_id, region)
        self._transitions: list[dict[str, Any]] = []
        self._metrics: dict[str, dict[str, Any]] = {}
        count = request["ResourceConfig"].get("InstanceCount") or 1
        self._hosts = [_Host(self, index, count) for index in range(count)]
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
            "FinalMetricDataList": list(self._metrics.values()),
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
        return {name: value for name, value in described.items() if value is not None}

    def work(self) -> Ending:
        self._enter("Downloading")
        self.start_time = utcnow()
        s3 = objects.client(self.region)
        for host in self._hosts:
            host.prepare(s3)
        self._enter("Training")
        ending = self._train(s3)
        failed = [host for host in self._hosts if host.exit_code]
        if ending is Ending.EXITED and failed:
            # The others were ended by a signal when the first failed.
            raise Failed(min(failed, key=lambda host: host.exit_code > 128).failure_reason())
        self._enter("Uploading")
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
        self._enter("MaxRuntimeExceeded" if ending is Ending.OUT_OF_TIME else status)
        self._transitions[-1]["EndTime"] = utcnow()
        self.status = status

    def _train(self, s3: Any) -> Ending:
        checkpoints = [host.checkpoints(s3) for host in self._hosts if "CheckpointConfig" in self.request]
        for folder in checkpoints:
            folder.restore()
        logs = [host.log_stream() for host in self._hosts]
        next_sync = time.monotonic() + _CHECKPOINT_SYNC_SECONDS

        def carry(*, to_end: bool = False) -> None:
            nonlocal next_sync
            for log in logs:
                self._read_metrics(log.pump(to_end=to_end))
            if to_end or time.monotonic() > next_sync:
                for folder in checkpoints:
                    folder.upload_changes()
                next_sync = time.monotonic() + _CHECKPOINT_SYNC_SECONDS

        try:
            return self.supervise([host.start() for host in self._hosts], carry)
        finally:
            carry(to_end=True)

    def _read_metrics(self, lines: list[str]) -> None:
        for definition in self.request["AlgorithmSpecification"].get("MetricDefinitions") or []:
            for line in lines:
                found = re.search(definition["Regex"], line)
                if found and math.isfinite(value := float(found.group(1))):
                    name = definition["Name"]
                    self._metrics[name] = {"MetricName": name, "Value": value, "Timestamp": utcnow()}

    def _enter(self, status: str) -> None:
        now = utcnow()
        if self._transitions:
            self._transitions[-1].setdefault("EndTime", now)
        self._transitions.append({"Status": status, "StartTime": now, "StatusMessage": _MESSAGES[status]})
        self.last_modified_time = now


class _Host:
    """One of the job's instances: a folder laid out as /opt/ml and the process that works in it."""

    def __init__(self, job: TrainingJob, index: int, count: int) -> None:
        self._job, self._index, self._count = job, index, count
        self._name = f"algo-{index + 1}"
        self.folder = job.folder / self._name
        self._process: subprocess.Popen[bytes]

    @property
    def exit_code(self) -> int:
        """The ended process's exit code, 128 + n after signal n, as a container's."""
        return jobs.container_exit_code(self._process)

    def prepare(self, s3: Any) -> None:
        """Lay out the folder, write the configuration and download the channels."""
        for part in ("input/config", "input/data", "model", "output/data", "code"):
            (self.folder / part).mkdir(parents=True)
        request, channels = self._job.request, {}
        for channel in request.get("InputDataConfig") or []:
            source = channel["DataSource"]["S3DataSource"]
            distribution = source.get("S3DataDistributionType") or "FullyReplicated"
            share = (self._index, self._count) if distribution == "ShardedByS3Key" else (0, 1)
            name = channel["ChannelName"]
            objects.download(s3, source["S3Uri"], self.folder / "input/data" / name, share)
            channels[name] = {
                "TrainingInputMode": "File",
                "S3DistributionType": distribution,
                "RecordWrapperType": channel.get("RecordWrapperType") or "None",
                "ContentType": channel.get("ContentType") or "",
            }
        self._configure("hyperparameters", request.get("HyperParameters") or {})
        self._configure("inputdataconfig", channels)
        self._configure("resourceconfig", self._resources(request["ResourceConfig"].get("InstanceType", "local")))

    def checkpoints(self, s3: Any) -> objects.FolderSync:
        """This host's checkpoints; hosts of one job share the place in S3, as in SageMaker."""
        return objects.FolderSync(s3, self.folder / "checkpoints", self._job.request["CheckpointConfig"]["S3Uri"])

    def log_stream(self) -> LogStream:
        """This host's log stream."""
        job, created = self._job, int(time.time() * 1000)
        stream = f"{job.name}/{self._name}-{created}"
        return LogStream(job.account_id, job.region, LOG_GROUP, stream, self.folder / "log")

    def start(self) -> subprocess.Popen[bytes]:
        """Start the toolkit on the job's script."""
        additions = {
            "SAGEMAKER_BASE_DIR": str(self.folder),
            "SM_STUDIO_LOCAL_MODE": "True",  # algo-1 is no name that this machine could resolve
            "TRAINING_JOB_NAME": self._job.name,
            "TRAINING_JOB_ARN": self._job.arn,
        }
        if "CheckpointConfig" in self._job.request:
            additions["CHECKPOINT_DIR"] = str(self.folder / "checkpoints")
        self._process = processes.start(
            [str(_TOOLKIT)],
            cwd=self.folder,
            env=self._job.environment(additions),
            log=self.folder / "log",
        )
        return self._process

    def failure_reason(self) -> str:
        """SageMaker's FailureReason: what the script or the toolkit left in the failure file, and the exit code."""
        file = self.folder / "output/failure"
        text = file.read_text(errors="replace").strip() if file.exists() else ""
        ending = f", exit code: {self.exit_code}"
        return f"AlgorithmError: {text[: 1000 - len(ending)]}{ending}"

    def _configure(self, name: str, content: dict[str, Any]) -> None:
        (self.folder / "input/config" / f"{name}.json").write_text(json.dumps(content))

    def _resources(self, instance_type: str) -> dict[str, Any]:
        hosts = [f"algo-{index + 1}" for index in range(self._count)]
        group = "homogeneousCluster"
        return {
            "current_host": self._name,
            "current_instance_type": instance_type,
            "current_group_name": group,
            "hosts": hosts,
            "instance_groups": [{"instance_group_name": group, "instance_type": instance_type, "hosts": hosts}],
            "network_interface_name": "lo",
        }


def create_training_job(self: SageMakerResponse) -> ActionResult:
    """CreateTrainingJob starts a process; moto's only records the job as completed."""
    request = json.loads(self.body)
    _check_spot(request)
    backend = self.sagemaker_backend
    job = TrainingJob(request["TrainingJobName"], request, backend.account_id, backend.region_name)
    return ActionResult({"TrainingJobArn": jobs.create(backend.training_jobs, job).arn})


def stop_training_job(self: SageMakerResponse) -> ActionResult:
    """StopTrainingJob, which moto lacks."""
    jobs.find(self.sagemaker_backend.training_jobs, self._get_param("TrainingJobName")).stop()
    return EmptyResult()


def _check_spot(request: dict[str, Any]) -> None:
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
