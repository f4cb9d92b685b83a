"""A training job's instances: a folder in the place of /opt/ml, and AWS's training toolkit in a process.

A laptop has no writable /opt/ml, so each host has a folder in its place (``SAGEMAKER_BASE_DIR``), and a script that
keeps checkpoints finds their folder in the environment variable ``CHECKPOINT_DIR``.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rehearsal.aws import processes
from rehearsal.aws.sagemaker import jobs, objects
from rehearsal.aws.sagemaker.cloudwatch_logs import LogStream
from rehearsal.aws.sagemaker.jobs import Job
from rehearsal.aws.sagemaker.machine import ROOM
from rehearsal.torchrun_on_loopback import FOLDER as TORCHRUN
from rehearsal.torchrun_on_loopback import PORT_FILE_VARIABLE

LOG_GROUP = "/aws/sagemaker/TrainingJobs"

_TOOLKIT = Path(sys.executable).with_name("train")
_LOOPBACK = "lo0" if sys.platform == "darwin" else "lo"


class Host:
    """One of the job's instances: a folder laid out as /opt/ml and the process that works in it."""

    def __init__(self, job: Job, index: int, count: int) -> None:
        self._job, self._index, self._count = job, index, count
        self._name = f"algo-{index + 1}"
        self.folder = job.folder / self._name
        self._process: subprocess.Popen[bytes]

    @property
    def exit_code(self) -> int:
        """The ended process's exit code, 128 + n after signal n, as a container's."""
        return jobs.container_exit_code(self._process)

    def prepare(self, s3: Any) -> None:
        """Lay out an empty folder, write the configuration and download the channels."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for part in ("input/config", "input/data", "model", "output/data", "code"):
            (self.folder / part).mkdir(parents=True)
        request, channels = self._job.request, {}
        for channel in request.get("InputDataConfig") or []:
            source = channel["DataSource"]["S3DataSource"]
            distribution = source.get("S3DataDistributionType") or "FullyReplicated"
            share = (self._index, self._count) if distribution == "ShardedByS3Key" else (0, 1)
            name = channel["ChannelName"]
            objects.download(s3, source["S3Uri"], self.folder / "input/data" / name, share, self.room())
            channels[name] = {
                "TrainingInputMode": "File",
                "S3DistributionType": distribution,
                "RecordWrapperType": channel.get("RecordWrapperType") or "None",
                "ContentType": channel.get("ContentType") or "",
            }
        self._configure("hyperparameters", request.get("HyperParameters") or {})
        self._configure("inputdataconfig", channels)
        self._configure("resourceconfig", self._resources(request["ResourceConfig"].get("InstanceType", "local")))

    def room(self) -> float:
        """Bytes left of the job's volume; instances with disks of their own have more in AWS."""
        volume = self._job.request["ResourceConfig"].get("VolumeSizeInGB", math.inf)
        return float(volume * 2**30 - objects.size(self.folder))

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
            "SAGEMAKER_TRAINING_MODULE": "sagemaker_pytorch_container.training:main",
            "SM_STUDIO_LOCAL_MODE": "True",  # algo-1 is no name that this machine could resolve
            "TRAINING_JOB_NAME": self._job.name,
            "TRAINING_JOB_ARN": self._job.arn,
            "GLOO_SOCKET_IFNAME": _LOOPBACK,
            "OMP_NUM_THREADS": processes.threads_for(max(ROOM // self._job.share, self._count)),
            # Threads that spin while they wait take the cores from whatever else runs: beside a busy process a training
            # with two threads on two cores took 1.5 to 2 times as long as with one. Asleep they lose nothing to it.
            "OMP_WAIT_POLICY": "passive",
            PORT_FILE_VARIABLE: str(self._job.folder / "algo-1" / "rendezvous"),  # in a folder that prepare() empties
        }
        if "CheckpointConfig" in self._job.request:
            additions["CHECKPOINT_DIR"] = str(self.folder / "checkpoints")
        environment = self._job.environment(additions)
        environment["PATH"] = os.pathsep.join([str(TORCHRUN), environment["PATH"]])
        self._process = processes.start(
            [str(_TOOLKIT)],
            cwd=self.folder,
            env=environment,
            log=self.folder / "log",
        )
        return self._process

    def failed_at(self) -> tuple[bool, float]:
        """Sorts failed hosts: those that the others' end took along come last, the first to say why comes first."""
        file = self._failure_file
        return self.exit_code > 128, file.stat().st_mtime if file.exists() else math.inf

    def failure_reason(self) -> str:
        """SageMaker's FailureReason: what the script or the toolkit left in the failure file, and the exit code."""
        file = self._failure_file
        text = file.read_text(errors="replace").strip() if file.exists() else ""
        ending = f", exit code: {self.exit_code}"
        return f"AlgorithmError: {text[: 1000 - len(ending)]}{ending}"

    @property
    def _failure_file(self) -> Path:
        return self.folder / "output/failure"

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
            "network_interface_name": _LOOPBACK,
        }
