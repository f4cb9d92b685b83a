"""The serving container's stand-in answers as a real Ray Serve cluster does.

A cluster has no way to listen on loopback only: its object stores, workers and proxy bind every interface whatever
``--node-ip-address`` says, and its processes leave their group. So it runs in a network of its own, where loopback is
all there is, and in a process namespace that ends with its first process.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.emulator import PATIENCE, Emulator
from tests.rehearsal.sagemaker.bucket import Bucket
from tests.rehearsal.sagemaker.serving_model import model_files, serve

ISOLATED = ["unshare", "--user", "--map-root-user", "--net", "--pid", "--fork", "--mount-proc", "--kill-child"]

BODIES = [b"jpeg", b"", b"not an image", b"fault"]

CLUSTER = """
set -e
ip link set lo up
ray start --head --node-ip-address=127.0.0.1 --port=6379 --include-dashboard=False --num-cpus=2 --temp-dir="$1" \
    --disable-usage-stats >&2
{ serve run config.yaml || serve run config.yaml; } >&2 &
timeout "$3" python3 -c "$2" $! || {
    tail -n 30 "$1"/session_latest/logs/serve/*.log "$1"/session_latest/logs/raylet.out >&2
    exit 1
}
"""

PATIENT = {
    "RAY_health_check_timeout_ms": "600000",
    "RAY_SERVE_PROXY_HEALTH_CHECK_TIMEOUT_S": "600",
    "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "600",
}
"""Ray's own patience is five to ten seconds, which on a busy machine pass. `serve run` gives its proxy 60 seconds, a
constant; what it has started goes on starting, and the second call finds it there."""

CLIENT = f"""
import json, os, sys, time, urllib.error, urllib.request

def post(body):
    headers = {{"Content-Type": "image/jpeg", "Accept": "application/json"}}
    request = urllib.request.Request("http://127.0.0.1:8000/", data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout={PATIENCE}) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as answer:
        return answer.status, answer.read().decode()

def ready():
    try:
        return post(b"")[0] != 404
    except OSError:
        return False

while not ready():
    os.kill(int(sys.argv[1]), 0)  # Nothing will ever answer where `serve run` has failed.
    time.sleep(0.5)
print(json.dumps([post(body) for body in {BODIES!r}]))
"""


def can_isolate() -> bool:
    if not (shutil.which("unshare") and shutil.which("ip")):
        return False
    return subprocess.run([*ISOLATED, "ip", "link", "set", "lo", "up"], capture_output=True).returncode == 0


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder for Ray's sockets, whose paths may have 107 characters."""
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.mark.slow
@pytest.mark.skipif(not can_isolate(), reason="a network namespace of one's own needs Linux and permission")
def test_a_real_cluster_gives_the_stand_ins_answers(
    aws: Emulator, sagemaker: Any, bucket: Bucket, endpoint: str, tmp_path: Path, short_folder: Path
) -> None:
    # given the same model for both
    files = model_files("first")
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    serve(sagemaker, bucket, endpoint, "first")

    # when
    command = [*ISOLATED, "bash", "-c", CLUSTER, "bash", str(short_folder), CLIENT, str(PATIENCE)]
    environment = (
        os.environ
        | PATIENT
        | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": f"{tmp_path}:{tmp_path / 'code'}",
            "HOME": str(short_folder),
        }
    )
    cluster = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    # then
    assert cluster.returncode == 0, cluster.stderr[-8000:]
    answers = [(status, parsed(text)) for status, text in json.loads(cluster.stdout)]
    assert answers == [stand_in(aws, endpoint, body) for body in BODIES]


def stand_in(aws: Emulator, endpoint: str, body: bytes) -> tuple[int, Any]:
    runtime = aws.client("sagemaker-runtime")
    try:
        answer = runtime.invoke_endpoint(
            EndpointName=endpoint, Body=body, ContentType="image/jpeg", Accept="application/json"
        )
    except ClientError as error:
        response: Any = error.response
        return response["OriginalStatusCode"], parsed(response["OriginalMessage"])
    return 200, parsed(answer["Body"].read().decode())


def parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
