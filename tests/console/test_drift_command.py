"""drift: what is shown of the newest look, and of one that is asked for."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from console import drift
from console.cli import main
from console.deployment import Deployment

RESULT = {
    "drift": True,
    "reason": "Photos are darker.",
    "time": "2026-11-28T21:00:00Z",
    "photos": 500,
    "page": "s3://data/drift/2026-11-28/index.html",
    "execution": "arn:aws:states:us-east-1:123456789012:execution:stocktake:drift-2026-11-28",
    "quantities": [
        {
            "name": "brightness",
            "title": "Brightness, 0 to 255",
            "then": "100.0",
            "now": "70.0",
            "distance": 0.41,
            "pValue": 0.00001,
            "drifted": True,
            "verdict": "photos are darker",
        }
    ],
}
OBJECTS = {("data", "drift/latest.json"): json.dumps(RESULT), ("data", "drift/2026-11-28/index.html"): "<html>"}
OUTPUTS = {"DriftFunction": "watch", "DriftResult": "s3://data/drift/latest.json"}


class Aws:
    """A bucket and a function."""

    def __init__(self, objects: dict[tuple[str, str], str], answered: dict[str, Any]) -> None:
        self.objects, self.answered = objects, answered

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        if (Bucket, Key) not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": ""}}, "GetObject")
        return {"Body": io.BytesIO(self.objects[Bucket, Key].encode())}

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        assert (FunctionName, Payload) == ("watch", b"{}")
        return self.answered


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Aws:
    fake = Aws(dict(OBJECTS), {})
    monkeypatch.setattr(drift.boto3, "client", lambda _service, **_options: fake)
    monkeypatch.setattr(drift, "find", lambda _name: Deployment("Stocktake-Workflow", OUTPUTS))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    return fake


def test_the_newest_look_is_shown(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["drift"]) == 0
    shown = capsys.readouterr().out
    for part in ("Drift, 2026-11-28", "500 photos", "Photos are darker.", "0.410", "photos are darker", "drift-2026"):
        assert part in shown


def test_programs_get_one_document_and_the_page(aws: Aws, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["drift", "--json", "--open"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == RESULT | {"file": str(tmp_path / "drift/2026-11-28/index.html")}
    assert (tmp_path / "drift/2026-11-28/index.html").read_text() == "<html>"


def test_a_look_can_be_asked_for(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    few = RESULT | {"drift": None, "reason": "30 photos are too few.", "quantities": [], "execution": None}
    aws.answered = {"Payload": io.BytesIO(json.dumps(few).encode())}
    assert main(["drift", "--now"]) == 0
    assert "Not known" in capsys.readouterr().out
    # and one that fails says why
    failed = json.dumps({"errorMessage": "no bucket", "errorType": "NoSuchBucket"}).encode()
    aws.answered = {"Payload": io.BytesIO(failed), "FunctionError": "Unhandled"}
    assert main(["drift", "--now"]) == 1
    assert "no bucket" in capsys.readouterr().err


def test_before_the_first_look_and_without_a_watch_a_sentence_says_so(
    aws: Aws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.objects.clear()
    assert main(["drift"]) == 1
    assert "`drift --now` looks" in capsys.readouterr().err
    monkeypatch.setattr(drift, "find", lambda _name: Deployment("Stocktake-Workflow", {}))
    assert main(["drift"]) == 1
    assert "capturePercent" in capsys.readouterr().err
