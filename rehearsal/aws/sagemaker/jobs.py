"""What all jobs share: a name, a life in a thread of its own, room on the machine, and processes that are watched."""

from __future__ import annotations

import enum
import os
import shutil
import signal
import subprocess
import threading
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError
from moto.core.utils import utcnow
from moto.sagemaker.exceptions import AWSValidationException, ResourceInUseException

from rehearsal.aws import location, processes
from rehearsal.aws.iam import on_behalf
from rehearsal.aws.iam.enforcement import AccessDenied
from rehearsal.aws.iam.principals import Principal
from rehearsal.aws.sagemaker.machine import Machine
from rehearsal.aws.sagemaker.objects import DownloadFailed
from rehearsal.torchvision_on_cpu import FOLDER as TORCHVISION_ON_CPU

GRACE_SECONDS = 20.0
"""How long a stopped job may take to end by itself. SageMaker gives it 120 seconds."""

POLL_SECONDS = 0.25
_REASON_LIMIT = 1024

# Each step's tensors would be given back to the kernel, and be paid for by as many page faults in the next one.
_KEEP_MEMORY = {"MALLOC_TRIM_THRESHOLD_": str(2**30), "MALLOC_MMAP_THRESHOLD_": str(2**30)}

_machine = Machine()


class Ending(enum.Enum):
    """Why a job's processes are no longer running."""

    EXITED = enum.auto()
    KILLED = enum.auto()
    """Somebody else's SIGKILL ended one that leads its group, as if its machine had been taken away."""
    STOPPED = enum.auto()
    OUT_OF_TIME = enum.auto()


class Failed(Exception):
    """The job failed; the message is its FailureReason."""


class Stopped(Exception):
    """The job was stopped before its processes started."""


class Job(ABC):
    """A SageMaker job: its request, its state, and the thread that carries it out.

    moto lists, tags and describes jobs by some of these attributes.

    Parameters
    ----------
    request
        The body of the Create call, with SageMaker's own names.
    """

    kind: ClassVar[str]
    share = 1
    """How much of the machine's room it takes."""

    def __init__(self, name: str, request: Mapping[str, Any], account_id: str, region: str) -> None:
        self.name, self.request, self.account_id, self.region = name, request, account_id, region
        self.arn = f"arn:aws:sagemaker:{region}:{account_id}:{self.kind}/{name}"
        self.tags: list[dict[str, str]] = list(request.get("Tags") or [])
        self.creation_time = self.last_modified_time = utcnow()
        self.status = "InProgress"
        self.failure_reason: str | None = None
        self.start_time: datetime | None = None
        self.end_time: datetime | None = None
        self.folder = location.current().work / "sagemaker" / self.kind / name
        self.stop_requested = threading.Event()
        self.principal: Principal
        """The role's session that all is done as; from the job's start on."""
        self._supervised_seconds = 0.0

    @property
    @abstractmethod
    def response_object(self) -> dict[str, Any]:
        """What the Describe call answers."""

    @property
    def role_arn(self) -> str:
        """The role that the request names."""
        return str(self.request["RoleArn"])

    @property
    def name_in_use(self) -> str:
        """What another job of this name is refused with."""
        kind = self.kind.replace("-", " ").capitalize()
        return (
            f"{kind} names must be unique within an AWS account and region, and a {kind.lower()} with this name "
            f"already exists ({self.arn})"
        )

    def start_container(self, image: str, log_group: str, log_stream: str) -> None:
        """Do in the job's role what SageMaker does around a container. Raises AccessDenied."""
        on_behalf.require_all(self.principal, on_behalf.container_start(image, log_group, log_stream, self.region))

    @abstractmethod
    def work(self) -> Ending:
        """Carry the job out. Failed and DownloadFailed end it as Failed, Stopped as Stopped."""

    @abstractmethod
    def end(self, status: str, ending: Ending | None) -> None:
        """Record the last status; ``ending`` is None when no process was started or a failure ended it."""

    def start(self) -> None:
        """Carry the job out in a thread of its own."""
        threading.Thread(target=self._run, name=self.arn, daemon=True).start()

    def stop(self) -> None:
        """Ask the job to stop. AWSValidationException when it has ended."""
        if self.status not in ("InProgress", "Stopping"):
            raise AWSValidationException(
                f"The request was rejected because the {self.kind.replace('-', ' ')} is in status {self.status}."
            )
        self.status, self.last_modified_time = "Stopping", utcnow()
        self.stop_requested.set()

    def environment(self, additions: Mapping[str, str]) -> dict[str, str]:
        """A process's environment: the emulator's, the given variables and the request's own."""
        return (
            processes.aws_environment(self.region)
            | on_behalf.credentials(self.principal).environment()
            | {"PYTHONPATH": str(TORCHVISION_ON_CPU), "PYTHONUNBUFFERED": "1"}
            | _KEEP_MEMORY
            | dict(additions)
            | dict(self.request.get("Environment") or {})
        )

    def seconds_left(self) -> float:
        """How long its processes may still run before they are ended as out of time."""
        limit = (self.request.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds", 86400)
        return float(limit - self._supervised_seconds)

    def supervise(self, running: Sequence[subprocess.Popen[bytes]], poll: Callable[[], object]) -> Ending:
        """Wait for the processes, calling ``poll`` several times a second; none is left when this returns.

        The first that fails ends the others, a stop request or the maximum runtime ends all.
        """
        started = time.monotonic()
        deadline = started + self.seconds_left()
        ending = Ending.EXITED
        try:
            while _all_well(running):
                if self.stop_requested.wait(POLL_SECONDS):
                    ending = Ending.STOPPED
                    break
                if time.monotonic() > deadline:
                    ending = Ending.OUT_OF_TIME
                    break
                poll()
            if ending is not Ending.EXITED:
                _ask_to_end(running, poll)
            elif any(process.returncode == -signal.SIGKILL for process in running):
                ending = Ending.KILLED
        finally:
            for process in running:
                processes.stop(process, grace=0)
            self._supervised_seconds += time.monotonic() - started
        return ending

    def _run(self) -> None:
        status, ending = "Failed", None
        try:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            with _machine.room_for(self.share, self._raise_if_stopped, POLL_SECONDS):
                try:
                    self.principal = on_behalf.assume(self.role_arn, "sagemaker.amazonaws.com", "SageMaker", self.arn)
                    ending = self.work()
                finally:
                    self.end_time = utcnow()  # before the next job has the room, and so starts
            status = "Completed" if ending is Ending.EXITED else "Stopped"
        except Stopped:
            status = "Stopped"
        except (Failed, DownloadFailed) as failure:
            self.failure_reason = str(failure)[:_REASON_LIMIT]
        except (AccessDenied, ClientError, S3UploadFailedError) as error:
            self.failure_reason = f"ClientError: {error}"[:_REASON_LIMIT]
        except Exception as error:
            traceback.print_exc()
            self.failure_reason = f"InternalServerError: {error}"[:_REASON_LIMIT]
        shutil.rmtree(self.folder, ignore_errors=True)
        self.last_modified_time = utcnow()
        self.end_time = self.end_time or self.last_modified_time
        self.end(status, ending)

    def _raise_if_stopped(self) -> None:
        if self.stop_requested.is_set():
            raise Stopped


def create(jobs: dict[str, Job], job: Job) -> Job:
    """Record a job under its name and start it. ResourceInUseException when the name was used before."""
    if jobs.setdefault(job.name, job) is not job:
        raise ResourceInUseException(job.name_in_use)
    job.start()
    return job


def find(jobs: Mapping[str, Job], name: str, unknown: str = "Requested resource not found.") -> Job:
    """The job of that name. AWSValidationException with the sentence ``unknown`` when there is none."""
    if name not in jobs:
        raise AWSValidationException(unknown)
    return jobs[name]


def container_exit_code(process: subprocess.Popen[bytes]) -> int:
    """An ended process's exit code, 128 + n after signal n."""
    code: int = process.returncode
    return code if code >= 0 else 128 - code


def _all_well(running: Sequence[subprocess.Popen[bytes]]) -> bool:
    """Whether some process still runs and none has failed."""
    codes = [process.poll() for process in running]
    return None in codes and not any(codes)


def _ask_to_end(running: Sequence[subprocess.Popen[bytes]], poll: Callable[[], object]) -> None:
    # The toolkit dies of SIGTERM at once while the script under it still saves: wait for the whole group.
    for process in running:
        _signal_group(process, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while any(_signal_group(process, 0) for process in running) and time.monotonic() < deadline:
        poll()
        time.sleep(POLL_SECONDS)


def _signal_group(process: subprocess.Popen[bytes], number: int) -> bool:
    process.poll()
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True
