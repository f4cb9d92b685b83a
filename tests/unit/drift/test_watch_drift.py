"""A look at what was captured: what is compared, what is left behind, and what it starts."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from captured_requests import MODEL, answer, captured, photo
from moto import mock_aws

import photo_file
import storage
import watch_drift
from bench.function_environment import function_environment
from drift import sample
from photo_statistics import SIDE, photo_statistics
from tests.browser import check_page, running_browser

BUCKET = "stocktake-data"
PREFIX = "captured/stocktake/live/"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:stocktake"
TIME = SimpleNamespace(get_remaining_time_in_millis=lambda: 900_000)


class Registry:
    """Knows the evaluation of every package."""

    def describe_model_package(self, ModelPackageName: str) -> dict[str, Any]:
        assert ModelPackageName.startswith(MODEL[:-1])
        uri = f"s3://{BUCKET}/reports/{ModelPackageName[-1]}/metrics.json"
        return {"ModelMetrics": {"ModelQuality": {"Statistics": {"S3Uri": uri}}}}


class Executions:
    """Step Functions with one machine."""

    class exceptions:
        class ExecutionAlreadyExists(Exception):
            pass

    def __init__(self) -> None:
        self.running: list[str] = []
        self.started: list[dict[str, str]] = []

    def list_executions(self, **asked: Any) -> dict[str, Any]:
        assert asked == {"stateMachineArn": MACHINE, "statusFilter": "RUNNING", "maxResults": 1}
        return {"executions": self.running}

    def start_execution(self, **asked: str) -> dict[str, str]:
        if asked["name"] in [other["name"] for other in self.started]:
            raise self.exceptions.ExecutionAlreadyExists
        self.started.append(asked)
        return {"executionArn": f"{MACHINE}:{asked['name']}".replace("stateMachine", "execution")}


@pytest.fixture
def executions(monkeypatch: pytest.MonkeyPatch) -> Executions:
    fake = Executions()
    monkeypatch.setattr(watch_drift, "executions", lambda: fake)
    return fake


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A data bucket with the reference of 60 test photos."""
    deployed = {"CAPTURES": PREFIX, "ENDPOINT": "stocktake"}
    for name, value in {**function_environment(BUCKET, []), **deployed}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(watch_drift, "registry", Registry)
    with mock_aws():
        for client in (storage.client, watch_drift.cloudwatch):
            client.cache_clear()
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        rows = [
            photo_statistics(photo_file.read(photo(number), SIDE))
            | {"count": told["count"], "confidence": max(told["probabilities"]), "expected": told["expected"]}
            for number in range(60)
            for told in [answer(number)]
        ]
        s3.put_object(Bucket=BUCKET, Key="reports/7/reference.json", Body=json.dumps(rows))
        yield s3
    for client in (storage.client, watch_drift.cloudwatch):
        client.cache_clear()


Ask = Callable[..., None]


@pytest.fixture
def ask(s3: Any) -> Ask:
    """Captures requests, some to a file, each file a second after the one before."""
    files = iter(range(10_000))

    def ask(
        photos: int, light: float = 1.0, model: str = MODEL, a_file: int = 20, first: int = 0, **metadata: str
    ) -> None:
        lines = [
            captured(photo(number, light), json.dumps(answer(number, model)), **metadata)
            for number in range(first, first + photos)
        ]
        for place in range(0, photos, a_file):
            number = next(files)
            key = f"{PREFIX}2126/11/28/21/{number // 60:02}-{number % 60:02}-000-x.jsonl"
            s3.put_object(Bucket=BUCKET, Key=key, Body=b"".join(lines[place : place + a_file]))

    return ask


def look() -> dict[str, Any]:
    return watch_drift.handler({}, TIME)


def kept(s3: Any, key: str) -> bytes:
    content: bytes = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return content


def metrics() -> dict[str, float]:
    """The newest values by name and quantity."""
    client = boto3.client("cloudwatch")
    found = {}
    for metric in client.list_metrics(Namespace="Stocktake")["Metrics"]:
        dimensions = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
        assert dimensions.pop("Endpoint") == "stocktake"
        [point] = client.get_metric_statistics(
            Namespace="Stocktake",
            MetricName=metric["MetricName"],
            Dimensions=metric["Dimensions"],
            StartTime="2020-01-01",
            EndTime="2100-01-01",
            Period=86_400,
            Statistics=["Maximum"],
        )["Datapoints"]
        found["/".join([metric["MetricName"], *dimensions.values()])] = point["Maximum"]
    return found


def test_photos_like_the_test_photos_are_no_drift(s3: Any, ask: Ask) -> None:
    # given the same photos
    ask(60)
    # when
    result = look()
    # then
    assert (result["drift"], result["photos"], result["testPhotos"]) == (False, 60, 60)
    assert result["reason"] == "The photos are such as the model was evaluated with."
    assert {found["verdict"] for found in result["quantities"]} == {"as then"}
    assert metrics()["DriftDetected"] == 0
    assert json.loads(kept(s3, "drift/latest.json")) == result
    assert b"No drift" in kept(s3, result["page"].removeprefix(f"s3://{BUCKET}/"))


def test_darker_photos_are_a_drift_that_says_so(s3: Any, ask: Ask) -> None:
    # given photos in half the light
    ask(60, light=0.5)
    # when
    result = look()
    # then
    assert result["drift"] is True
    assert result["reason"].startswith("Photos are darker")
    found = {quantity["name"]: quantity for quantity in result["quantities"]}
    assert found["brightness"]["drifted"]
    assert float(found["brightness"]["now"]) == pytest.approx(float(found["brightness"]["then"]) / 2, rel=0.05)
    # ... and what the model answers is as it was
    assert not any(found[name]["drifted"] for name in ("count", "confidence", "expected", "pixels", "aspect"))
    assert metrics()["DriftDetected"] == 1
    assert metrics()["DriftDistance/brightness"] == found["brightness"]["distance"] > 0.5
    page = kept(s3, result["page"].removeprefix(f"s3://{BUCKET}/")).decode()
    assert "photos are darker" in page
    assert page.count("<svg") == len(result["quantities"])
    assert "http" not in page.replace("http-equiv", "")


@pytest.mark.parametrize(("width", "dark"), [(375, False), (1280, True)], ids=["phone", "dark"])
def test_its_page_in_a_browser(s3: Any, ask: Ask, tmp_path: Path, width: int, dark: bool) -> None:
    ask(60, light=0.5)
    page = kept(s3, look()["page"].removeprefix(f"s3://{BUCKET}/")).decode()
    with running_browser() as browser:
        check_page(browser, page, tmp_path, width=width, dark=dark)


def test_each_photo_is_looked_at_once(ask: Ask) -> None:
    ask(60)
    assert look()["photos"] == 60
    ask(55, light=0.5)
    assert look()["photos"] == 55


def test_too_few_photos_wait_for_more(ask: Ask) -> None:
    # given 30 photos, nothing is said, and nothing measured
    ask(30)
    result = look()
    assert (result["drift"], result["quantities"]) == (None, [])
    assert result["reason"] == "30 photos since the last look are too few to tell; at least 50 are needed."
    assert metrics() == {}
    # when 30 more have come, they are told together
    ask(30, first=30)
    assert (look()["drift"], look()["photos"]) == (False, 0)


def test_without_any_request_nothing_is_said(s3: Any) -> None:
    assert look()["reason"].startswith("0 photos")


def test_what_an_earlier_model_answered_and_a_smoke_test_sent_is_left_out(ask: Ask) -> None:
    ask(60, light=0.5, model=MODEL[:-1] + "6")
    ask(60, light=0.5, inferenceId="smoke-test")
    ask(52)
    result = look()
    assert (result["model"], result["photos"], result["drift"]) == (MODEL, 52, False)


def test_a_model_whose_evaluation_kept_nothing_is_said(ask: Ask) -> None:
    ask(60, model=MODEL[:-1] + "6")
    assert "of an earlier version" in look()["reason"]


def test_a_package_that_was_registered_by_hand_has_nothing_to_compare_with(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given one without metrics
    registry = SimpleNamespace(describe_model_package=lambda ModelPackageName: {"ModelPackageName": ModelPackageName})
    monkeypatch.setattr(watch_drift, "registry", lambda: registry)
    ask(60)
    # then a look says so
    result = look()
    assert result["drift"] is None
    assert "made by hand" in result["reason"]


def test_of_many_photos_some_are_taken_evenly(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    # given 300 photos in 30 files, of which the last third is dark
    monkeypatch.setattr(sample, "PHOTOS", 60)
    ask(200, a_file=10)
    ask(100, light=0.2, a_file=10)
    # when
    result = look()
    # then
    assert result["photos"] == 60
    [dark] = [found for found in result["quantities"] if found["name"] == "brightness"]
    assert dark["distance"] == pytest.approx(1 / 3, abs=0.1)


def test_a_look_ends_before_the_functions_time_does(ask: Ask) -> None:
    ask(60)
    left = iter([900_000] * 55)
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: next(left, 0))
    result = watch_drift.handler({}, context)
    assert 50 <= result["photos"] <= 55
    assert result["drift"] is not None


def test_a_drift_starts_one_execution_for_a_model(
    ask: Ask, executions: Executions, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given no setting, a drift starts nothing
    ask(60, light=0.5)
    assert (look()["execution"], executions.started) == (None, [])
    # and with it nothing while an execution runs
    monkeypatch.setenv("STATE_MACHINE", MACHINE)
    executions.running = ["one"]
    ask(60, light=0.5)
    assert (look()["execution"], executions.started) == (None, [])
    # when none runs
    executions.running = []
    ask(60, light=0.5)
    result = look()
    # then
    [started] = executions.started
    assert (started["stateMachineArn"], started["input"]) == (MACHINE, "{}")
    assert result["execution"].endswith(started["name"])
    # and a drift that lasts starts no other
    executions.started.clear()
    ask(60, light=0.5)
    assert (look()["execution"], executions.started) == (None, [])
    # and photos as before start none
    ask(60)
    assert (look()["drift"], executions.started) == (False, [])
