"""The emulated AWS as the rehearsal's child process, and this process as one of its clients."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from rehearsal.aws import location, processes
from rehearsal.children import Children
from rehearsal.failures import RehearsalFailed, last_lines

REGION = location.REGION
ACCOUNT = location.ACCOUNT_ID
SOURCE_BUCKET = "aft-vbi-pds"
"""The real data set's bucket: the deployed defaults find the rehearsal's photos under the same name."""

_ROOT = Path(__file__).resolve().parent.parent
_SECONDS_TO_START = 300  # it takes three, of a machine that does nothing else


def start(children: Children, work: Path, source: Path) -> str:
    """Start the emulated AWS with `source` as the public bucket; return its URL once it answers.

    From then on every AWS client of this process talks to it, and no setting of the user's own AWS set-up counts.
    """
    folder, log = work.resolve() / "aws", work / "aws.log"
    argv = [sys.executable, "-m", "rehearsal.aws", "--work", str(folder)]
    argv += ["--mount", f"{SOURCE_BUCKET}={source.resolve()}"]
    process = children.start(argv, cwd=_ROOT, env=processes.neutral_environment(), log=log)
    deadline = time.monotonic() + _SECONDS_TO_START
    while (port := location.announced_port(folder)) is None:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RehearsalFailed(f"The emulated AWS did not start; {log} ends with\n{last_lines(log)}")
        time.sleep(0.1)
    place = location.establish(port, folder)
    _use(processes.aws_environment(REGION))
    return place.endpoint_url


def _use(environment: dict[str, str]) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update({name: value for name, value in environment.items() if name.startswith("AWS_")})
    os.environ.update({name: environment[name] for name in ("NO_PROXY", "no_proxy")})
