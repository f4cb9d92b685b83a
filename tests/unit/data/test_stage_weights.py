import hashlib
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, get_args

import pytest
from bin_source import DATA_BUCKET, BinSource
from torchvision.models import get_model_weights

import stage_weights
from errors import WeightsUnavailable, WrongWeights
from run import imagenet
from run.contract import Architecture

CONTENT = b"tensors" * 1000
NAME = f"resnet18-{hashlib.sha256(CONTENT).hexdigest()[:8]}.pth"
KEY = f"weights/imagenet/{NAME}"
URI = f"s3://{DATA_BUCKET}/{KEY}"
EVENT = {"bucket": DATA_BUCKET, "edition": "imagenet", "candidates": [{"architecture": "resnet18"}]}


class Site(HTTPServer):
    """A download site on this machine; each request gets the next of `answers`, (status, announced length, body)."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, int, bytes]] = []
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        status, length, body = self.server.answers.pop(0)
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


GOOD = (200, len(CONTENT), CONTENT)
BUSY = (503, 0, b"")
CUT_OFF = (200, len(CONTENT), CONTENT[:100])
OTHER = (200, 5, b"other")


@pytest.fixture
def site(bin_source: BinSource, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The site that weights come from, where ResNet-18's are a few bytes."""
    with Site() as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        monkeypatch.setattr(stage_weights, "SOURCE", f"http://127.0.0.1:{site.server_port}/models/")
        monkeypatch.setattr(stage_weights, "WAIT_SECONDS", 0)
        monkeypatch.setitem(imagenet.EDITIONS["imagenet"], "resnet18", NAME)
        yield site
        site.shutdown()


@pytest.mark.parametrize("architecture", get_args(Architecture))
def test_the_files_are_those_that_torchvision_publishes(architecture: str) -> None:
    published = {entry.name: entry.url for entry in get_model_weights(architecture)}
    ours = zip(("IMAGENET1K_V1", "IMAGENET1K_V2"), imagenet.EDITIONS.values(), strict=True)
    # All of them: what has a second edition has it here, too.
    assert published == {
        edition: stage_weights.SOURCE + files[architecture] for edition, files in ours if architecture in files
    }


def test_each_edition_has_a_file_of_its_own(site: Site, bin_source: BinSource, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given the first edition in the bucket, the second is downloaded beside it."""
    name = f"resnet50-{hashlib.sha256(b'second').hexdigest()[:8]}.pth"
    monkeypatch.setitem(imagenet.EDITIONS["imagenet"], "resnet50", NAME)
    monkeypatch.setitem(imagenet.EDITIONS["imagenet-v2"], "resnet50", name)
    bin_source.s3.put_object(Bucket=DATA_BUCKET, Key=KEY, Body=CONTENT)
    site.answers = [(200, 6, b"second")]
    event = {"bucket": DATA_BUCKET, "edition": "imagenet-v2", "candidates": [{"architecture": "resnet50"}]}
    assert stage_weights.handler(event, None) == {"downloaded": [name]}
    assert bin_source.objects("weights/") == {KEY: CONTENT, f"weights/imagenet/{name}": b"second"}


def test_a_missing_file_is_downloaded_once(site: Site, bin_source: BinSource) -> None:
    site.answers = [GOOD]
    assert stage_weights.handler(EVENT, None) == {"downloaded": [NAME]}
    assert bin_source.objects("weights/") == {KEY: CONTENT}
    assert stage_weights.handler(EVENT, None) == {"downloaded": []}
    assert site.asked == [f"/models/{NAME}"]


def test_a_file_that_was_put_there_by_hand_is_taken_and_checked(site: Site, bin_source: BinSource) -> None:
    bin_source.s3.put_object(Bucket=DATA_BUCKET, Key=KEY, Body=CONTENT)
    assert stage_weights.handler(EVENT, None) == {"downloaded": []}
    bin_source.s3.put_object(Bucket=DATA_BUCKET, Key=KEY, Body=b"other")
    with pytest.raises(WrongWeights, match=rf"SHA-256 of {re.escape(URI)} begins with d9298a10, .*{NAME} with "):
        stage_weights.handler(EVENT, None)
    assert not site.asked


@pytest.mark.parametrize("trouble", [BUSY, CUT_OFF])
def test_a_site_in_trouble_is_asked_again(site: Site, bin_source: BinSource, trouble: tuple[int, int, bytes]) -> None:
    site.answers = [trouble, trouble, GOOD]
    stage_weights.handler(EVENT, None)
    assert bin_source.objects("weights/") == {KEY: CONTENT}


@pytest.mark.parametrize("trouble", [BUSY, CUT_OFF, (404, 0, b"")])
def test_without_the_site_somebody_has_to_put_the_file_there(
    site: Site, bin_source: BinSource, trouble: tuple[int, int, bytes]
) -> None:
    site.answers = [trouble] * stage_weights.ATTEMPTS
    with pytest.raises(WeightsUnavailable, match=rf"models/{NAME} cannot be downloaded .*; put this file at {URI}"):
        stage_weights.handler(EVENT, None)
    assert not bin_source.objects("weights/")


def test_an_unreachable_site_is_named(site: Site, bin_source: BinSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_weights, "SOURCE", "http://127.0.0.1:1/models/")
    with pytest.raises(WeightsUnavailable, match=r"cannot be downloaded \(.*refused"):
        stage_weights.handler(EVENT, None)


def test_another_file_under_that_name_never_reaches_the_bucket(site: Site, bin_source: BinSource) -> None:
    site.answers = [OTHER]
    with pytest.raises(WrongWeights, match=r"the SHA-256 of http://127.*/models/resnet18-\w+\.pth begins with"):
        stage_weights.handler(EVENT, None)
    assert not bin_source.objects("weights/")
