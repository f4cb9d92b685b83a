"""A decision in the registry, told by EventBridge, is answered to who waits."""

import json
from typing import Any

import pytest
from bin_source import DATA_BUCKET, BinSource
from botocore.stub import Stubber

import approval

PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/stocktake-models/3"
NEEDED: dict[str, Any] = {"ModelPackageName": "3", "CreationTime": 0, "ModelPackageStatus": "Completed"} | {
    "ModelPackageStatusDetails": {"ValidationStatuses": []}
}
"""What DescribeModelPackage always answers."""


@pytest.mark.parametrize("decision", ["Approved", "Rejected"])
def test_an_event_is_believed_where_the_registry_does_not_know_yet(
    bin_source: BinSource, monkeypatch: pytest.MonkeyPatch, decision: str
) -> None:
    # given an execution that waits, and a registry whose answer is older than the event
    monkeypatch.setenv("DATA_BUCKET", DATA_BUCKET)
    bin_source.s3.put_object(
        Bucket=DATA_BUCKET, Key="approvals/stocktake-models/3.json", Body=json.dumps({"token": "t" * 10})
    )
    described = {"ModelPackageArn": PACKAGE, "ModelApprovalStatus": "PendingManualApproval"}
    with Stubber(approval.registry()) as registry, Stubber(approval.executions()) as executions:
        registry.add_response("describe_model_package", described | NEEDED, {"ModelPackageName": PACKAGE})
        output = json.dumps({"status": decision, "reason": "no reason was given"})
        executions.add_response("send_task_success", {}, {"taskToken": "t" * 10, "output": output})
        # when the event comes
        detail = {"ModelPackageArn": PACKAGE, "ModelApprovalStatus": decision}
        approval.handler({"detail": detail}, None)
        # then the execution hears the decision
        executions.assert_no_pending_responses()
