"""Watch drift: are the photos that the endpoint is sent still such as its model was evaluated with?"""

import os
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3

import storage
from drift.comparison import FEWEST, Rows, compare
from drift.page import render
from drift.sample import Sample

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_stepfunctions import SFNClient

NAMESPACE = "Stocktake"
STATE, LATEST = "drift/state.json", "drift/latest.json"
_LEFT_FOR_THE_END = 60_000
"""Milliseconds of the function's time."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Compare what was captured since the last look; leave metrics, a page and `drift/latest.json`.

    Returns
    -------
    drift: true, false, or null where nothing can be said; reason: a sentence; quantities: what each was and is.
    """
    bucket, now = os.environ["DATA_BUCKET"], datetime.now(UTC)
    state = storage.find_json(bucket, STATE) or {"after": "", "startedFor": None}
    sample = Sample(bucket, os.environ["CAPTURES"], state["after"], now)
    model = sample.newest_model()
    then = reference(model) if model else []
    rows = sample.rows(model, lambda: context.get_remaining_time_in_millis() > _LEFT_FOR_THE_END) if model else []
    result = told(then, rows) | {
        "endpoint": os.environ["ENDPOINT"],
        "model": model,
        "time": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "photos": len(rows),
        "testPhotos": len(then),
        "page": f"s3://{bucket}/drift/{now:%Y-%m-%d}/index.html",
        "execution": None,
    }
    if result["drift"] is not None:
        measure(result)
        started_for = state["startedFor"] if result["drift"] else None
        # A drift that lasts starts one execution for each model that it finds.
        if result["drift"] and os.environ.get("STATE_MACHINE") and started_for != model:
            result["execution"] = start(os.environ["STATE_MACHINE"], now)
            started_for = model if result["execution"] else started_for
        state = {"after": sample.keys[-1], "startedFor": started_for}
    page = result["page"].removeprefix(f"s3://{bucket}/")
    storage.write(bucket, page, render(result).encode(), "text/html; charset=utf-8")
    storage.write_json(bucket, LATEST, result)
    # Last: what failed before is looked at again. Too few photos wait for others.
    storage.write_json(bucket, STATE, state)
    return result


def reference(package: str) -> Rows:
    """What the evaluation of a package has kept of its test photos; empty if none, or an earlier version, made one."""
    found = registry().describe_model_package(ModelPackageName=package)
    metrics = found.get("ModelMetrics", {}).get("ModelQuality", {}).get("Statistics", {}).get("S3Uri")
    if metrics is None:  # somebody registered it by hand
        return []
    bucket, _, key = metrics.removeprefix("s3://").partition("/")
    rows: Rows = storage.find_json(bucket, f"{key.rpartition('/')[0]}/reference.json") or []
    return rows


def told(then: Rows, now: Rows) -> dict[str, Any]:
    """The verdict with its reason."""
    if len(now) < FEWEST:
        return _nothing(f"{len(now)} photos since the last look are too few to tell; at least {FEWEST} are needed.")
    if not then:
        return _nothing("Nothing was kept to compare with: the package is of an earlier version, or made by hand.")
    if len(then) < FEWEST:
        return _nothing(f"The model was evaluated with {len(then)} photos; at least {FEWEST} are needed to compare.")
    quantities = compare(then, now)
    verdicts = list(dict.fromkeys(found["verdict"] for found in quantities if found["drifted"]))
    reason = "; ".join(verdicts) or "the photos are such as the model was evaluated with"
    return {"drift": bool(verdicts), "reason": f"{reason[0].upper()}{reason[1:]}.", "quantities": quantities}


def _nothing(reason: str) -> dict[str, Any]:
    return {"drift": None, "reason": reason, "quantities": []}


def measure(result: dict[str, Any]) -> None:
    """Publish the verdict and each quantity's distance."""
    endpoint = {"Name": "Endpoint", "Value": result["endpoint"]}
    cloudwatch().put_metric_data(
        Namespace=NAMESPACE,
        MetricData=[
            {"MetricName": "DriftDetected", "Dimensions": [endpoint], "Value": float(result["drift"])},
            *(
                {
                    "MetricName": "DriftDistance",
                    "Dimensions": [endpoint, {"Name": "Quantity", "Value": found["name"]}],
                    "Value": found["distance"],
                }
                for found in result["quantities"]
            ),
        ],
    )


def start(machine: str, now: datetime) -> str | None:
    """The ARN of an execution with the defaults; None while another one runs, or if today's has been started."""
    client = executions()
    if client.list_executions(stateMachineArn=machine, statusFilter="RUNNING", maxResults=1)["executions"]:
        return None
    try:
        started = client.start_execution(stateMachineArn=machine, name=f"drift-{now:%Y-%m-%d}", input="{}")
    except client.exceptions.ExecutionAlreadyExists:
        return None
    return started["executionArn"]


@cache
def registry() -> "SageMakerClient":
    """The client of the model registry."""
    return boto3.client("sagemaker")


@cache
def cloudwatch() -> Any:
    """The client that takes metrics."""
    return boto3.client("cloudwatch")


@cache
def executions() -> "SFNClient":
    """The client of Step Functions."""
    return boto3.client("stepfunctions")
