"""Estimate cost: what an execution would cost, before it is started, and the endpoint's month."""

import json
import os
from typing import Any

from costs import prices
from costs.bill import bill, service_lines
from costs.endpoint import month, neighbours
from costs.expected import assumptions, expected_jobs, expected_photos
from run import contract
from run.contract import ExecutionInput
from run.deployment import check_deployment


def handler(event: object, context: object) -> dict[str, Any]:
    """The complete input, as Plan would fill it in, with its cost and what that assumes.

    Args:
        event: an execution's input.

    Raises:
        InvalidInput: one sentence for each fault.
    """
    settings = os.environ
    completed = contract.complete(event, json.loads(settings["DEFAULTS"]))
    check_deployment(completed, json.loads(settings["SOURCE_BUCKETS"]), json.loads(settings["MANAGED_DEBUGGER"]))
    serving = settings["ENDPOINT_INSTANCE_TYPE"]
    training = completed.training
    used = {training.instance_type, completed.training_instance_type, settings["EVALUATION_INSTANCE_TYPE"]}
    found = prices.find(settings["AWS_REGION"], used | {serving, *neighbours(serving)})
    estimated = estimate(completed, completed.training_instance_type, found)
    told = assumptions(completed)
    head = None
    if completed.trainable == "head" and not completed.release.package:
        without = estimate(completed, training.instance_type, found)
        head = {"instanceType": completed.training_instance_type, "usd": estimated["usd"]} | {
            "without": {"instanceType": training.instance_type, "usd": without["usd"]}
        }
        told.append(
            f"Heads are trained on {head['instanceType']}: {_dollars(estimated['usd'])} in all; on "
            f"{training.instance_type} it would be {_dollars(without['usd'])}."
        )
    if estimated["unknown"]:
        told.append(f"No price is known of {', '.join(estimated['unknown'])}: there is no sum.")
    return estimated | {
        "input": completed.to_json(),
        "assumptions": told,
        "headInstance": head,
        "endpoint": month(serving, int(settings["ENDPOINT_INSTANCES"]), found),
    }


def estimate(completed: ExecutionInput, training_type: str, found: prices.Prices) -> dict[str, Any]:
    """The bill to expect with training and trials on `training_type`."""
    jobs = list(expected_jobs(completed, training_type, os.environ["EVALUATION_INSTANCE_TYPE"]))
    kept = len(completed.architectures) if completed.trainable == "head" else 0
    photos = expected_photos(completed).all if jobs else 0
    return bill(jobs, service_lines(photos, kept), found)


def _dollars(usd: float | None) -> str:
    return "an unknown sum" if usd is None else f"{usd:.2f} USD"
