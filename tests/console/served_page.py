"""The page's server in this process, in front of a fake AWS."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from console.try_page import aws
from console.try_page.endpoint import Endpoint
from console.try_page.labelled_photos import LabelledPhotos
from console.try_page.server import PageServer
from tests.console.fake_aws import FakeAws, running_fake_aws


@contextmanager
def pointed_at_fake_aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAws]:
    """AWS's clients of this process ask a fake."""
    aws.client.cache_clear()
    with running_fake_aws() as fake:
        for name, value in environment(fake).items():
            monkeypatch.setenv(name, value)
        yield fake
    aws.client.cache_clear()


def environment(fake: FakeAws) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": fake.url,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "rehearsal",
        "AWS_SECRET_ACCESS_KEY": "rehearsal",
        "NO_PROXY": "127.0.0.1,localhost",
    }


@contextmanager
def serving(execution: str | None = None) -> Iterator[PageServer]:
    with PageServer(0, Endpoint("stocktake"), LabelledPhotos("stocktake", execution)) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()
