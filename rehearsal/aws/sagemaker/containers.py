"""An endpoint's container: the model's files unpacked, and the serving process that answers for it."""

from __future__ import annotations

import shutil
import sys
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moto.sagemaker.models import SageMakerModelBackend

from rehearsal.aws import processes
from rehearsal.aws.iam import on_behalf
from rehearsal.aws.sagemaker import objects
from rehearsal.aws.sagemaker.cloudwatch_logs import LogStream
from rehearsal.torchvision_on_cpu import FOLDER as TORCHVISION_ON_CPU

# Run as a script: importing it would bring Ray into this process.
_SERVER = Path(__file__).with_name("serving.py")

# What keeps an archive's files within its folder; Python 3.11 has it from 3.11.4 on, and Debian 12 has 3.11.2.
_CAREFULLY: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}

_POLL_SECONDS = 0.1
_PING_TIMEOUT_SECONDS = 2.0
_LAST_WORDS = 300  # characters of a container's output that explain its end


class Unhealthy(Exception):
    """The container could not be started or never answered /ping; the message says what it printed last."""


@dataclass(frozen=True)
class ContainerDefinition:
    """What a model says of its container."""

    model_data_url: str
    environment: dict[str, str]
    image: str
    role_arn: str
    model_arn: str

    @classmethod
    def of_model(cls, backend: SageMakerModelBackend, model_name: str) -> ContainerDefinition:
        """A model names its image and data itself, or a model package that does."""
        model = backend.describe_model(model_name)
        container = model.primary_container or model.containers[0]
        if package_name := container.get("ModelPackageName"):
            package = backend.describe_model_package(package_name)
            container = _merged(package.inference_specification["Containers"][0], container)
        environment = container.get("Environment") or {}
        return cls(container["ModelDataUrl"], environment, container["Image"], model.execution_role_arn, model.arn)


class Container:
    """A serving process on a port of its own on 127.0.0.1.

    Parameters
    ----------
    folder
        Emptied first; the model is unpacked to its subfolder ``model``, which stands for /opt/ml/model.
    """

    def __init__(self, definition: ContainerDefinition, folder: Path, region: str, log: LogStream) -> None:
        self._folder, self._log = folder, log
        self._port_file = folder / "port"
        self.url = ""  # known when it is healthy
        model = folder / "model"
        principal = on_behalf.assume(definition.role_arn, "sagemaker.amazonaws.com", "SageMaker", definition.model_arn)
        self.principal = principal
        on_behalf.require_all(principal, on_behalf.container_start(definition.image, log.group, log.stream, region))
        _unpack(objects.client(region, principal), definition.model_data_url, model)
        python_path = [TORCHVISION_ON_CPU, model, model / "code"]
        environment = (
            processes.aws_environment(region)
            | on_behalf.credentials(principal).environment()
            | {"PYTHONPATH": ":".join(map(str, python_path)), "PYTHONUNBUFFERED": "1"}
            | definition.environment
        )
        self._process = processes.start(
            [sys.executable, "-P", str(_SERVER), str(model / "config.yaml"), str(self._port_file)],
            cwd=model,
            env=environment,
            log=folder / "log",
        )

    def wait_until_healthy(self, timeout: float, cancelled: Callable[[], bool]) -> None:
        """Wait until /ping answers. Raises Unhealthy, also when ``cancelled`` becomes true."""
        deadline = time.monotonic() + timeout
        while not self._answers_ping():
            self._log.pump()
            if self._process.poll() is not None:
                raise Unhealthy(self._last_words())
            if time.monotonic() > deadline or cancelled():
                raise Unhealthy(f"No answer within {timeout:.0f} seconds. {self._last_words()}")
            time.sleep(_POLL_SECONDS)

    def follow_log(self) -> None:
        """Carry the log until the process has ended."""
        while self._process.poll() is None:
            self._log.pump()
            time.sleep(_POLL_SECONDS)
        self._log.pump(to_end=True)

    def stop(self) -> None:
        """Let the requests under way finish, then end the process and remove its files."""
        processes.stop(self._process)
        self._log.pump(to_end=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answers_ping(self) -> bool:
        if not self._port_file.exists():
            return False
        self.url = f"http://127.0.0.1:{self._port_file.read_text()}"
        try:
            with urllib.request.urlopen(f"{self.url}/ping", timeout=_PING_TIMEOUT_SECONDS):
                return True
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return False

    def _last_words(self) -> str:
        self._log.pump(to_end=True)
        file = self._folder / "log"
        printed = file.read_text(errors="replace").strip() if file.exists() else ""
        return f"Its output ends with: {printed[-_LAST_WORDS:]}" if printed else "It printed nothing."


def _merged(package: dict[str, Any], model: dict[str, Any]) -> dict[str, Any]:
    environment = {**(package.get("Environment") or {}), **(model.get("Environment") or {})}
    return {**package, **model, "Environment": environment}


def _unpack(s3: Any, url: str, folder: Path) -> None:
    shutil.rmtree(folder.parent, ignore_errors=True)
    folder.mkdir(parents=True)
    bucket, key = objects.split_uri(url)
    archive = folder.parent / "model.tar.gz"
    try:
        objects.download_object(s3, bucket, key, archive)
        with tarfile.open(archive) as tar:
            tar.extractall(folder, **_CAREFULLY)
    except (s3.exceptions.ClientError, tarfile.TarError) as error:
        raise Unhealthy(f"The model data at {url} could not be unpacked: {error}") from error
    archive.unlink()
