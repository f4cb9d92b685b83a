import io
import json
from typing import Any

import pytest
from bin_source import DATA_BUCKET, BinSource, jpeg
from botocore.response import StreamingBody
from botocore.stub import Stubber

import smoke_test
from drift.captures import SMOKE_TEST
from smoke_test import SmokeTestFailed

PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/stocktake/7"
REPORT = {"bucket": DATA_BUCKET, "prefix": "reports/test"}
ROWS = [
    {"id": "00001", "count": 2, "predicted": 2, "expected": 1.9, "probabilities": [0.2, 0.7, 0.1]},
    {"id": "1", "count": 1, "predicted": 3, "expected": 2.5, "probabilities": [0.1, 0.3, 0.6]},
    {"id": "00009", "count": 3, "predicted": 3, "expected": 2.5, "probabilities": [0.1, 0.3, 0.6]},
]


def answer(row: dict[str, Any], shift: float = 0.0, model: str = PACKAGE) -> dict[str, Any]:
    first, *others, last = row["probabilities"]
    return {
        "count": row["predicted"],
        "probabilities": [first + shift, *others, last - shift],
        "labels": [1, 2, 3],
        "expected": row["expected"],
        "precision": "bfloat16",
        "model": model,
    }


@pytest.fixture
def report(bin_source: BinSource, monkeypatch: pytest.MonkeyPatch) -> BinSource:
    """An evaluation's report with samples of two of its three images; images are asked for one after another."""
    monkeypatch.setattr(smoke_test, "CONCURRENCY", 1)
    lines = "\n".join(map(json.dumps, ROWS)).encode()
    bin_source.s3.put_object(Bucket=DATA_BUCKET, Key="reports/test/predictions.jsonl", Body=lines)
    metrics = json.dumps({"accuracy": 0.5, "precision": "bfloat16"}).encode()
    bin_source.s3.put_object(Bucket=DATA_BUCKET, Key="reports/test/metrics.json", Body=metrics)
    for row in ROWS[:2]:
        bin_source.s3.put_object(Bucket=DATA_BUCKET, Key=f"reports/test/samples/{row['id']}.jpg", Body=jpeg())
    return bin_source


def check(answers: list[dict[str, Any]]) -> dict[str, Any]:
    with Stubber(smoke_test.runtime()) as endpoint:
        for found in answers:
            body = json.dumps(found).encode()
            endpoint.add_response(
                "invoke_endpoint",
                {"Body": StreamingBody(io.BytesIO(body), len(body)), "ContentType": "application/json"},
                {
                    "EndpointName": "stocktake",
                    "ContentType": "application/x-image",
                    "InferenceId": SMOKE_TEST,
                    "Body": jpeg(),
                },
            )
        result = smoke_test.handler({"endpoint": "stocktake", "package": PACKAGE, "report": REPORT}, None)
        endpoint.assert_no_pending_responses()
    return result


def test_an_endpoint_that_answers_as_the_evaluation_did_passes(report: BinSource) -> None:
    result = check([answer(ROWS[0], 1e-5), answer(ROWS[1])])
    assert result["checked"] == 2
    assert result["maxDifference"] == pytest.approx(1e-5)
    assert result["prediction"] == {"id": "00001", "actual": 2, **answer(ROWS[0], 1e-5)}


def test_other_probabilities_are_named(report: BinSource) -> None:
    with pytest.raises(SmokeTestFailed, match=r"1 of 2 answers differ .* bin 1, whose probabilities differ by 0\.1;"):
        check([answer(ROWS[0]), answer(ROWS[1], 0.1)])


def test_the_model_before_this_one_is_noticed(report: BinSource) -> None:
    with pytest.raises(SmokeTestFailed, match=r"model-package/stocktake/6; must be .*stocktake/7"):
        check([answer(ROWS[0]), answer(ROWS[1], model=PACKAGE[:-1] + "6")])


@pytest.mark.parametrize("odd", [{"error": "?"}, {"model": PACKAGE, "probabilities": [1.0]}, {"model": PACKAGE}, [1]])
def test_an_answer_of_another_form_is_named(report: BinSource, odd: Any) -> None:
    with pytest.raises(SmokeTestFailed, match="bin 00001"):
        check([odd, answer(ROWS[1])])


def test_another_number_format_is_noticed_even_if_the_answers_agree(report: BinSource) -> None:
    rounded = answer(ROWS[1]) | {"precision": "float32"}
    with pytest.raises(SmokeTestFailed, match="the endpoint computes in float32; bfloat16 was evaluated"):
        check([answer(ROWS[0]), rounded])


def test_an_endpoint_that_fails_is_named(report: BinSource) -> None:
    with Stubber(smoke_test.runtime()) as endpoint:
        endpoint.add_client_error("invoke_endpoint", "ModelError", "Received server error (500)", 424)
        with pytest.raises(SmokeTestFailed, match=r"endpoint stocktake fails on bin 00001: .*server error"):
            smoke_test.handler({"endpoint": "stocktake", "package": PACKAGE, "report": REPORT}, None)


def test_a_report_without_samples_proves_nothing(bin_source: BinSource) -> None:
    bin_source.s3.put_object(Bucket=DATA_BUCKET, Key="reports/test/predictions.jsonl", Body=b"")
    with pytest.raises(SmokeTestFailed, match="has no image"):
        check([])
