"""The emulated AWS as the rehearsal's child process, and this process as one of its clients."""

from __future__ import annotations

import os
import socket
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from rehearsal.aws import location, processes
from rehearsal.children import Children
from rehearsal.failures import RehearsalFailed, last_lines

REGION = "us-east-1"
ACCOUNT = location.ACCOUNT_ID
SOURCE_BUCKET = "aft-vbi-pds"
"""The real data set's bucket: the deployed defaults find the rehearsal's photos under the same name."""

_ROOT = Path(__file__).resolve().parent.parent
_SECONDS_TO_START = 90


def start(children: Children, work: Path, source: Path) -> str:
    """Start the emulated AWS with `source` as the public bucket; return its URL once it answers.

    From then on every AWS client of this process talks to it, and no setting of the user's own AWS set-up counts.
    """
    place = location.establish(_free_port(), work / "aws")
    environment = processes.aws_environment(REGION)
    log = work / "aws.log"
    argv = [sys.executable, "-m", "rehearsal.aws", "--port", str(place.port), "--work", str(place.work)]
    argv += ["--mount", f"{SOURCE_BUCKET}={source.resolve()}"]
    process = children.start(argv, cwd=_ROOT, env=environment, log=log)
    deadline = time.monotonic() + _SECONDS_TO_START
    while not _answers(place.endpoint_url):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RehearsalFailed(f"The emulated AWS did not start; {log} ends with\n{last_lines(log)}")
        time.sleep(0.1)
    _use(environment)
    return place.endpoint_url


def _use(environment: dict[str, str]) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update({name: value for name, value in environment.items() if name.startswith("AWS_")})
    os.environ.update({name: environment[name] for name in ("NO_PROXY", "no_proxy")})


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(f"{url}/moto-api/config", timeout=5).close()
    except (urllib.error.URLError, OSError):
        return False
    return True
