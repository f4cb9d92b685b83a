"""Approval: a package's status in the registry becomes the answer to the execution that waits for it.

Two events come here: an execution that begins to wait, with its token, and a package whose status has changed, with
that. Each looks for what the other one brings, after its own is written: whichever comes last answers.
"""

import json
import os
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3

import storage

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_stepfunctions import SFNClient


def handler(event: dict[str, Any], context: object) -> None:
    """Keep the token of `event["token"]` and `event["package"]`, or take EventBridge's word for a package's change."""
    package = event["package"] if "token" in event else event["detail"]["ModelPackageArn"]
    key = f"approvals/{package.partition('model-package/')[2]}.json"
    bucket = os.environ["DATA_BUCKET"]
    if "token" in event:
        storage.write_json(bucket, key, {"token": event["token"]})
    kept = storage.find_json(bucket, key)
    found = registry().describe_model_package(ModelPackageName=package)
    # An event tells what it was sent for: nobody promises that the registry, asked right after, knows it already.
    status = found["ModelApprovalStatus"] if "token" in event else event["detail"]["ModelApprovalStatus"]
    if kept and status in ("Approved", "Rejected"):
        reason = found.get("ApprovalDescription") or "no reason was given"
        answer(kept["token"], {"status": status, "reason": reason})


def answer(token: str, decision: dict[str, str]) -> None:
    """Let the execution go on; one that has been answered, was stopped or waited too long hears nothing."""
    client = executions()
    gone = (client.exceptions.TaskTimedOut, client.exceptions.TaskDoesNotExist, client.exceptions.InvalidToken)
    try:
        client.send_task_success(taskToken=token, output=json.dumps(decision))
    except gone:
        print("Nobody waits for this decision any longer.")


@cache
def registry() -> "SageMakerClient":
    """The client of the model registry."""
    return boto3.client("sagemaker")


@cache
def executions() -> "SFNClient":
    """The client of Step Functions."""
    return boto3.client("stepfunctions")
