"""The emulated AWS as a process: it ends with its parent, and says what is wrong with its arguments."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rehearsal.aws import clients, location
from rehearsal.aws.iam import principals
from tests.rehearsal.emulator import ROOT, Emulator

PARENT = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-m", "rehearsal.aws", "--work", sys.argv[1]])
time.sleep(600)
"""


def is_listening(port: int) -> bool:
    """Whether something accepts connections on a port of 127.0.0.1."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_it_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    # Given an emulated AWS whose parent is killed, Then its port is free again.
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path / "work")], cwd=ROOT)
    port = Emulator.wait_for(lambda: location.announced_port(tmp_path / "work"), bool)
    assert is_listening(port)
    parent.kill()
    parent.wait()
    Emulator.wait_for(lambda: is_listening(port), lambda listening: not listening)


def test_it_listens_on_loopback_only(aws: Emulator) -> None:
    # Given a running server, When another address of this machine is tried, Then nothing answers.
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.2", aws.port)) != 0
    assert is_listening(aws.port)


@pytest.mark.parametrize(
    ("mount", "sentence"),
    [("public", "'public' is not of the form BUCKET=DIR"), ("public=/none/there", "'/none/there' is not a folder")],
)
def test_wrong_mounts_are_refused(tmp_path: Path, mount: str, sentence: str) -> None:
    # Given a mount without a bucket or a folder, Then the process ends with a sentence.
    command = [sys.executable, "-m", "rehearsal.aws", "--work", str(tmp_path), "--mount", mount]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert sentence in ended.stderr


def test_a_client_that_expects_100_continue_gets_it_once(aws: Emulator) -> None:
    # Given the header that AWS SDKs send with a body, Then one interim answer comes, and then the final one.
    aws.client("s3").create_bucket(Bucket="expectations")
    signed = b"Authorization: AWS4-HMAC-SHA256 Credential=rehearsal/20260101/us-east-1/s3/aws4_request\r\n"
    start = b"PUT /expectations/k HTTP/1.1\r\nHost: localhost\r\n"
    head = start + signed + b"Content-Length: 1\r\nExpect: 100-continue\r\n\r\n"
    with socket.create_connection(("127.0.0.1", aws.port)) as connection:
        connection.sendall(head)
        time.sleep(0.2)
        connection.sendall(b"x")
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.count(b"100 Continue") == 1
    assert b"HTTP/1.1 200" in answer


def test_tasks_of_one_role_share_their_clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given two tasks for one service, Then they get one client: boto3 cannot make two at the same time.
    monkeypatch.setattr(location, "_current", None)
    location.establish(1, tmp_path)
    role, other = principals.session("machine", "one"), principals.session("machine", "two")
    first, second = (clients.client("lambda", "us-east-1", role) for _ in range(2))
    assert first is second
    assert clients.client("lambda", "us-east-1", other) is not first
