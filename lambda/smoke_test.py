"""Smoke test: does the live endpoint answer known test images as the evaluation did?"""

import json
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from pydantic import BaseModel, ConfigDict, ValidationError

import storage
from drift.captures import SMOKE_TEST

if TYPE_CHECKING:
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

TOLERANCE = 1e-3
"""Between probabilities, in every number format. The evaluation ran in another image, with another PyTorch: not bit
for bit the same."""

CONCURRENCY = 4


class SmokeTestFailed(Exception):
    """The endpoint fails, answers for another model, or answers otherwise than the evaluation did."""


class Answer(BaseModel):
    """What the endpoint answers to a photo."""

    model_config = ConfigDict(protected_namespaces=())

    count: int
    probabilities: list[float]
    labels: list[int]
    expected: float
    precision: str
    model: str


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Send the report's sample images to `event["endpoint"]` and compare.

    Args:
        event: endpoint: its name; package: ARN of the model package it must answer for; report: {"bucket", "prefix"}.

    Returns:
        checked: how many images; maxDifference: between probabilities; prediction: the endpoint's first answer.

    Raises:
        SmokeTestFailed
    """
    expected = read_expected(event["report"])
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        answers = list(pool.map(lambda row: ask(event["endpoint"], event["report"], row["id"]), expected))
    return compare(expected, answers, event["package"], evaluated_precision(event["report"]))


def read_expected(report: dict[str, str]) -> list[dict[str, Any]]:
    """The evaluation's rows for the images that the report has samples of, in their order."""
    prefix = f"{report['prefix']}/samples/"
    pages = storage.client().get_paginator("list_objects_v2").paginate(Bucket=report["bucket"], Prefix=prefix)
    sampled = {
        item["Key"].removeprefix(prefix).removesuffix(".jpg") for page in pages for item in page.get("Contents", ())
    }
    body = storage.client().get_object(Bucket=report["bucket"], Key=f"{report['prefix']}/predictions.jsonl")["Body"]
    rows = [row for row in map(json.loads, body.iter_lines()) if row["id"] in sampled]
    if not rows:
        raise SmokeTestFailed(f"s3://{report['bucket']}/{prefix} has no image that predictions.jsonl knows")
    return rows


def evaluated_precision(report: dict[str, str]) -> str:
    """The number format that the evaluation computed in."""
    body = storage.client().get_object(Bucket=report["bucket"], Key=f"{report['prefix']}/metrics.json")["Body"]
    return str(json.load(body)["precision"])


def ask(endpoint: str, report: dict[str, str], name: str) -> Answer:
    """The endpoint's answer to one sample image."""
    key = f"{report['prefix']}/samples/{name}.jpg"
    photo = storage.client().get_object(Bucket=report["bucket"], Key=key)["Body"].read()
    client = runtime()
    try:
        response = client.invoke_endpoint(
            EndpointName=endpoint, ContentType="application/x-image", InferenceId=SMOKE_TEST, Body=photo
        )
    except (client.exceptions.ModelError, client.exceptions.ValidationError) as error:
        raise SmokeTestFailed(f"endpoint {endpoint} fails on bin {name}: {error}") from error
    try:
        return Answer.model_validate_json(response["Body"].read())
    except ValidationError as error:
        raise SmokeTestFailed(f"endpoint {endpoint} answers bin {name} in another form: {error}") from error


def compare(expected: list[dict[str, Any]], answers: list[Answer], package: str, precision: str) -> dict[str, Any]:
    """The result of the test; see `handler`."""
    others = {answer.model for answer in answers} - {package}
    if others:
        raise SmokeTestFailed(f"the endpoint answers for {', '.join(sorted(others))}; must be {package}")
    formats = {answer.precision for answer in answers} - {precision}
    if formats:
        raise SmokeTestFailed(f"the endpoint computes in {', '.join(sorted(formats))}; {precision} was evaluated")
    for row, answer in zip(expected, answers, strict=True):
        if len(answer.probabilities) != len(row["probabilities"]):
            raise SmokeTestFailed(
                f"the endpoint tells {len(answer.probabilities)} counts apart for bin {row['id']}; "
                f"must be {len(row['probabilities'])}"
            )
    differences = {
        row["id"]: max(abs(a - b) for a, b in zip(row["probabilities"], answer.probabilities, strict=True))
        for row, answer in zip(expected, answers, strict=True)
    }
    wrong = {name: difference for name, difference in differences.items() if not difference <= TOLERANCE}
    if wrong:
        worst = max(wrong, key=lambda name: wrong[name])
        raise SmokeTestFailed(
            f"{len(wrong)} of {len(differences)} answers differ from the evaluation's; the worst is bin {worst}, whose "
            f"probabilities differ by {wrong[worst]:.4g}; at most {TOLERANCE:g} is allowed"
            + ("" if precision == "float32" else f". In {precision} both must run on the same instance family")
        )
    first = {"id": expected[0]["id"], "actual": expected[0]["count"], **answers[0].model_dump()}
    return {"checked": len(answers), "maxDifference": max(differences.values()), "prediction": first}


@cache
def runtime() -> "SageMakerRuntimeClient":
    """The client of the live endpoints."""
    return boto3.client("sagemaker-runtime", config=Config(retries={"mode": "standard", "max_attempts": 5}))
