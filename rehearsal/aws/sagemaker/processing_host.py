"""A processing job's instances: a folder in the place of /opt/ml, and the container's entrypoint as a process.

A laptop has no writable /opt/ml/processing, so that path is replaced by the host's folder wherever the entrypoint,
the arguments and the environment name it. The image is not looked at: ``python3`` is this environment's.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any

from rehearsal.aws import processes
from rehearsal.aws.sagemaker import jobs, objects
from rehearsal.aws.sagemaker.cloudwatch_logs import LogStream
from rehearsal.aws.sagemaker.jobs import Job

LOG_GROUP = "/aws/sagemaker/ProcessingJobs"

_CONTAINER_ROOT = re.compile(r"/opt/ml(?=/(processing|output|config)\b)")


class Host:
    """One of the job's instances."""

    def __init__(self, job: Job, index: int, count: int) -> None:
        self._job, self._index, self._count = job, index, count
        self.name = f"algo-{index + 1}"
        self.folder = job.folder / self.name
        self._process: subprocess.Popen[bytes]

    @property
    def exit_code(self) -> int:
        """The ended process's exit code, 128 + n after signal n, as a container's."""
        return jobs.container_exit_code(self._process)

    @property
    def message(self) -> str | None:
        """What the script left for the job's ExitMessage."""
        file = self.folder / "output/message"
        return file.read_text(errors="replace").strip() if file.exists() else None

    def prepare(self, s3: Any, described: dict[str, Any]) -> None:
        """Lay out the folder, download the inputs and write the configuration."""
        self.folder.mkdir()
        request = self._job.request
        volume = request["ProcessingResources"]["ClusterConfig"]["VolumeSizeInGB"] << 30
        for source in request.get("ProcessingInputs") or []:
            where = source["S3Input"]
            sharded = where.get("S3DataDistributionType") == "ShardedByS3Key"
            share = (self._index, self._count) if sharded else (0, 1)
            room = volume - objects.size(self.folder)
            objects.download(s3, where["S3Uri"], self._local(where["LocalPath"]), share, room=room)
        for output in self.outputs:
            self._local(output["LocalPath"]).mkdir(parents=True, exist_ok=True)
        for part in ("output", "config"):
            (self.folder / part).mkdir()
        (self.folder / "config/processingjobconfig.json").write_text(json.dumps(described, default=str))
        hosts = {"current_host": self.name, "hosts": [f"algo-{index + 1}" for index in range(self._count)]}
        (self.folder / "config/resourceconfig.json").write_text(json.dumps(hosts))

    def log_stream(self) -> LogStream:
        """This host's log stream."""
        job = self._job
        stream = f"{job.name}/{self.name}-{int(time.time() * 1000)}"
        return LogStream(job.account_id, job.region, LOG_GROUP, stream, self.folder / "log")

    def start(self) -> subprocess.Popen[bytes]:
        """Start the container's entrypoint."""
        specification = self._job.request["AppSpecification"]
        command = (specification.get("ContainerEntrypoint") or []) + (specification.get("ContainerArguments") or [])
        environment = {name: self._relocated(value) for name, value in self._job.environment({}).items()}
        self._process = processes.start(
            [self._relocated(argument) for argument in command],
            cwd=self.folder,
            env=environment,
            log=self.folder / "log",
        )
        return self._process

    def upload(self, s3: Any) -> None:
        """Copy what lies in the output folders to S3; hosts of one job share the place, as in SageMaker."""
        for output in self.outputs:
            objects.upload(s3, self._local(output["LocalPath"]), output["S3Uri"])

    @property
    def outputs(self) -> list[dict[str, str]]:
        """Each output's folder and place in S3."""
        configured = self._job.request.get("ProcessingOutputConfig") or {}
        return [output["S3Output"] for output in configured.get("Outputs") or []]

    def _relocated(self, text: str) -> str:
        return _CONTAINER_ROOT.sub(lambda _: str(self.folder), text)

    def _local(self, container_path: str) -> Path:
        return Path(self._relocated(container_path))
