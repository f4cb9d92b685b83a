"""The page that asks an endpoint: what its server answers, and to whom. AWS is a fake at the other end of HTTP."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from console.cli import main
from console.try_page import aws as clients
from console.try_page.endpoint import MAXIMUM_BODY
from console.try_page.server import PageServer
from tests.console.fake_aws import MACHINE, MODEL, FakeAws, counted, of_model, refused
from tests.console.served_page import environment, pointed_at_fake_aws, serving

PHOTO = b"\xff\xd8 a photo \xff\xd9"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAws]:
    with pointed_at_fake_aws(monkeypatch) as fake:
        yield fake


@pytest.fixture
def page(aws: FakeAws) -> Iterator[PageServer]:
    with serving() as server:
        yield server


def asked(
    server: PageServer, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, Any, dict[str, str]]:
    """Status, content (parsed if it is JSON) and headers."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    content, told = response.read(), dict(response.headers)
    connection.close()
    return response.status, json.loads(content) if told["Content-Type"] == "application/json" else content, told


def test_a_photo_is_counted_by_the_endpoint_and_the_time_told(aws: FakeAws, page: PageServer) -> None:
    aws.endpoints["stocktake"] = lambda _: counted(2, 0.1, 0.6, 0.1, 0.1, 0.1)
    status, answer, _ = asked(page, "POST", "/count", PHOTO, Origin=page.url.rstrip("/"))
    assert status == 200
    assert answer.pop("milliseconds") >= 0
    assert answer == {
        "count": 2,
        "probabilities": [0.1, 0.6, 0.1, 0.1, 0.1],
        "labels": [1, 2, 3, 4, 5],
        "model": MODEL,
    }
    assert aws.asked == [("stocktake", PHOTO)]


NOT_THERE = (
    "There is no endpoint stocktake in us-east-1: no model has been deployed yet, or it has another name, "
    "which --endpoint gives."
)


@pytest.mark.parametrize(
    ("answer", "status", "sentence"),
    [
        (of_model("This is no photo.", 400), 400, "This is no photo."),
        (
            refused("ModelError", "x", 424, OriginalStatusCode=0, OriginalMessage="Your invocation timed out"),
            502,
            "Your invocation timed out.",
        ),
        (refused("ValidationError", "Endpoint stocktake of account 1 not found."), 404, NOT_THERE),
        (
            refused("ExpiredTokenException", "The security token included in the request is expired", 403),
            403,
            "The AWS credentials have expired. Renew them, then ask again.",
        ),
        (
            refused("UnrecognizedClientException", "The security token included in the request is invalid.", 403),
            403,
            "AWS does not accept the credentials: The security token included in the request is invalid.",
        ),
        (
            refused("AccessDeniedException", "User x is not authorized to perform sagemaker:InvokeEndpoint", 403),
            403,
            "AccessDeniedException: User x is not authorized to perform sagemaker:InvokeEndpoint.",
        ),
        (
            (200, {}, b"<html>"),
            502,
            "The endpoint's answer is not a count of items: is it one of Stocktake's?",
        ),
        ((200, {}, b"[1]"), 502, "The endpoint's answer is not a count of items: is it one of Stocktake's?"),
    ],
)
def test_what_goes_wrong_is_a_sentence(aws: FakeAws, page: PageServer, answer: Any, status: int, sentence: str) -> None:
    aws.endpoints["stocktake"] = lambda _: answer
    assert asked(page, "POST", "/count", PHOTO)[:2] == (status, {"error": sentence})


def test_an_aws_that_is_gone_is_a_sentence(page: PageServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    clients.client.cache_clear()
    status, answer, _ = asked(page, "POST", "/count", PHOTO)
    assert status == 502
    assert answer["error"].startswith("AWS does not answer: Could not connect to the endpoint URL")
    assert answer["error"].endswith("Is there a network, and does the rehearsal still run?")


def test_credentials_that_are_lost_are_asked_for_again(
    aws: FakeAws, page: PageServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # given a profile without credentials, when a photo is asked about, then that is told
    file = tmp_path / "credentials"
    file.touch()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    clients.client.cache_clear()
    aws.endpoints["stocktake"] = lambda _: counted(1, 1, 0, 0, 0, 0)
    status, answer, _ = asked(page, "POST", "/count", PHOTO)
    assert (status, answer["error"].partition(":")[0]) == (403, "There are no valid AWS credentials")
    # and when they are there, the same page goes on
    file.write_text("[default]\naws_access_key_id = rehearsal\naws_secret_access_key = rehearsal\n")
    assert asked(page, "POST", "/count", PHOTO)[0] == 200


def test_a_body_that_the_endpoint_would_not_take_never_leaves(aws: FakeAws, page: PageServer) -> None:
    too_long = asked(page, "POST", "/count", b"", Content_Length=str(MAXIMUM_BODY + 1))
    assert too_long[:2] == (413, {"error": "The photo has more than 6 MB, which is the most."})
    assert asked(page, "POST", "/count", b"")[:2] == (400, {"error": "The file is empty."})
    for length in ("-1", "²", "many"):
        assert asked(page, "POST", "/count", b"", Content_Length=length)[0] == 411
    assert not aws.asked


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}])
@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("GET", "/photos"), ("POST", "/count")])
def test_another_sites_page_gets_nothing(
    aws: FakeAws, page: PageServer, method: str, path: str, headers: dict[str, str]
) -> None:
    """A site's own name for 127.0.0.1 shows in the Host header, a request across origins in Origin."""
    status, answer, _ = asked(page, method, path, PHOTO if method == "POST" else None, **headers)
    assert (status, answer) == (403, {"error": f"Only the page at {page.url} may ask."})
    assert not aws.asked


def test_the_page_reaches_nothing_but_its_server(page: PageServer) -> None:
    status, content, headers = asked(page, "GET", "/", Host=f"localhost:{page.server_port}")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b"http://" not in content
    assert b"https://" not in content
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; img-src 'self' blob:; connect-src 'self'")
    assert page.server_address[0] == "127.0.0.1"
    assert asked(page, "GET", "/endpoint")[1]["name"] == "stocktake"


@pytest.mark.parametrize("path", ["/etc/passwd", "/photos/../page.html", "/photos/%2e%2e%2fserver.py", "/count"])
def test_there_is_nothing_else(aws: FakeAws, page: PageServer, path: str) -> None:
    aws.succeeded("one", {"a": (PHOTO, 2)})
    assert asked(page, "GET", path)[0] == 404


def test_the_newest_execution_that_kept_photos_gives_them_with_their_labels(aws: FakeAws, page: PageServer) -> None:
    # given two with photos, then one that promoted a package whose report is gone, an older version's, and a failure
    aws.succeeded("first", {"a": (b"old", 1)})
    aws.succeeded("second", {"b": (PHOTO, 2), "c d": (b"other", 5)})
    aws.succeeded("promotion", {})
    aws.executions.insert(0, {"name": "older", "status": "SUCCEEDED", "output": "{}"})
    aws.executions.insert(0, {"name": "failed", "status": "FAILED"})
    # when
    status, found, _ = asked(page, "GET", "/photos")
    # then
    assert status == 200
    assert found == {"execution": "second", "photos": [{"id": "b", "count": 2}, {"id": "c d", "count": 5}]}
    assert asked(page, "GET", "/photos/b")[:2] == (200, PHOTO)
    assert asked(page, "GET", "/photos/c%20d")[:2] == (200, b"other")
    assert asked(page, "GET", "/photos/a")[:2] == (404, {"error": "There is no test photo a."})


@pytest.mark.parametrize("named", ["first", f"{MACHINE.replace('stateMachine', 'execution')}:first"])
def test_another_execution_can_be_named(aws: FakeAws, named: str) -> None:
    aws.succeeded("first", {"a": (PHOTO, 1)})
    aws.succeeded("second", {"b": (PHOTO, 2)})
    with serving(named) as page:
        assert asked(page, "GET", "/photos")[1]["execution"] == "first"


def test_without_test_photos_a_sentence_says_why_until_there_are_some(aws: FakeAws, page: PageServer) -> None:
    none = {"error": "There are no test photos yet: no execution has succeeded and kept some."}
    assert asked(page, "GET", "/photos")[:2] == (404, none)
    aws.succeeded("first", {"a": (PHOTO, 1)})
    assert asked(page, "GET", "/photos")[0] == 200


def test_an_execution_without_photos_says_so(aws: FakeAws) -> None:
    aws.executions.append({"name": "failed", "status": "FAILED"})
    with serving("failed") as page:
        assert asked(page, "GET", "/photos")[1]["error"] == "Execution failed has no test photos: it is FAILED."
    with serving("nobody") as page:
        assert asked(page, "GET", "/photos")[1]["error"].startswith("ExecutionDoesNotExist: Execution Does Not Exist")


def test_a_refusal_of_the_look_for_photos_is_a_sentence(aws: FakeAws, page: PageServer) -> None:
    aws.refuses = ("ExpiredToken", "expired")
    assert asked(page, "GET", "/photos")[1] == {
        "error": "The AWS credentials have expired. Renew them, then ask again."
    }


def test_the_command_prints_its_address_and_ends_with_ctrl_c(aws: FakeAws) -> None:
    with (
        subprocess.Popen(
            [sys.executable, "-m", "console", "try", "--endpoint", "other"],
            env=os.environ | environment(aws) | {"PYTHONUNBUFFERED": "1"},
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            text=True,
            # Tests that run in a shell's background ignore it, and so would their children.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        ) as process,
        ExitStack() as at_the_end,
    ):
        at_the_end.callback(process.kill)  # or leaving the block would wait for what does not end
        assert process.stdout
        url, _, rest = process.stdout.readline().partition(" ")
        assert rest == "asks the endpoint other, until Ctrl-C.\n"
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{url}endpoint", timeout=60) as answer:
            assert json.load(answer) == {"name": "other", "region": "us-east-1", "address": aws.url}
        process.send_signal(signal.SIGINT)
        assert (process.wait(60), process.stdout.read()) == (0, "Ended.\n")


def test_a_port_that_is_taken_is_a_sentence(page: PageServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["try", "--port", str(page.server_port)]) == 1
    error = capsys.readouterr().err
    assert error == f"Error: Port {page.server_port} of 127.0.0.1 cannot be used: Address already in use.\n"


def test_no_region_is_a_sentence(
    aws: FakeAws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    assert main(["try", "--no-open"]) == 1
    assert capsys.readouterr().err.startswith("Error: You must specify a region.\nName the region")
