"""From photos to the served model, and again with the same dataset."""

from __future__ import annotations

import json

import pytest

from stacks.endpoint.stack import PARAMETER
from tests.rehearsal.emulator import Emulator
from tests.rehearsal.end_to_end.kept_rehearsal import INPUT, Kept

STACK = "Stocktake-Endpoint"
BUILD = {"Catalogue", "Split", "Pack", "Seal"}


def test_the_execution_succeeds_with_the_contract_of_the_output(kept: Kept) -> None:
    result = kept.result
    assert result["status"] == "SUCCEEDED", kept.explanation()
    output = result["output"]
    assert BUILD | {"Plan", "Train", "Evaluate"} <= set(result["seconds"])
    assert set(output) >= {"dataset", "tuning", "training", "evaluation", "decision", "model", "endpoint", "cost"}
    low, high = output["evaluation"]["interval"]
    assert low <= output["evaluation"]["accuracy"] <= high
    assert output["decision"] == "deployed"
    # the bins that nobody can use were told apart from the rest
    assert sum(output["dataset"]["rejected"].values()) >= 5


def test_the_endpoint_answers_as_the_evaluation_did(kept: Kept) -> None:
    # given the evaluation's predictions, and the photos as the source has them
    report = next((kept.exported / "reports").iterdir())
    expected = [json.loads(row) for row in (report / "predictions.jsonl").read_text().splitlines()]
    assert len(expected) > 20
    for row in expected:
        photo = (kept.source / "bin-images" / f"{row['id']}.jpg").read_bytes()
        # when the live endpoint is sent one
        answer = kept.ask(photo)
        # then it gives the same probabilities, and names the model that the execution registered
        assert answer["probabilities"] == pytest.approx(row["probabilities"], abs=1e-5)
        assert answer["count"] == row["predicted"]
        assert answer["model"] == kept.result["output"]["model"]["packageArn"]


def test_a_second_execution_reuses_the_dataset_and_serves_its_own_model(kept: Kept) -> None:
    # when the same dataset is asked for with another learning rate
    ended = kept.execute(INPUT | {"hyperparameters": INPUT["hyperparameters"] | {"learningRate": 0.0001}})
    # then no data state runs again, and the same endpoint serves the new model
    assert not BUILD & set(ended["entered"])
    package = json.loads(ended["output"])["model"]["packageArn"]
    assert package != kept.result["output"]["model"]["packageArn"]
    assert kept.ask(kept.photo())["model"] == package


def test_a_model_that_does_not_start_is_rolled_back_in_the_update_role(kept: Kept) -> None:
    # given a live model, and a registered one whose artifact is no archive
    before = kept.ask(kept.photo())
    sagemaker, cloudformation = kept.client("sagemaker"), kept.client("cloudformation")
    package = sagemaker.describe_model_package(ModelPackageName=before["model"])
    [container] = package["InferenceSpecification"]["Containers"]
    bucket = container["ModelDataUrl"].split("/")[2]
    kept.client("s3").put_object(Bucket=bucket, Key="models/broken/model.tar.gz", Body=b"no archive")
    specification = package["InferenceSpecification"] | {
        "Containers": [{"Image": container["Image"], "ModelDataUrl": f"s3://{bucket}/models/broken/model.tar.gz"}]
    }
    broken = sagemaker.create_model_package(
        ModelPackageGroupName=package["ModelPackageGroupName"],
        InferenceSpecification=specification,
        ModelApprovalStatus="Approved",
    )["ModelPackageArn"]
    # when the endpoint's stack is to serve it, in the role of its last update
    parameter = {"ParameterKey": PARAMETER, "ParameterValue": broken}
    cloudformation.update_stack(StackName=STACK, UsePreviousTemplate=True, Parameters=[parameter])
    ended = Emulator.wait_for(
        lambda: cloudformation.describe_stacks(StackName=STACK)["Stacks"][0],
        lambda stack: not stack["StackStatus"].endswith("_IN_PROGRESS"),
    )
    # then what the update made is gone again, the role sufficed for that, and the endpoint answers as before
    assert ended["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "UpdateRole" in ended["RoleARN"]
    assert kept.ask(kept.photo()) == before
    sagemaker.delete_model_package(ModelPackageName=broken)


def test_a_model_below_the_threshold_is_rejected_and_the_endpoint_left_alone(kept: Kept) -> None:
    # given a live model and an execution that asks for more than any model of one epoch reaches
    before = kept.ask(kept.photo())
    # when
    ended = kept.execute(INPUT | {"release": {"minimumAccuracy": 1}})
    # then the output says so and why
    output = json.loads(ended["output"])
    assert (output["decision"], output["model"]["packageArn"]) == ("rejected", None)
    assert "below release.minimumAccuracy 1" in output["reason"]
    assert kept.ask(kept.photo()) == before


def test_a_model_that_waits_for_approval_is_registered_and_not_served(kept: Kept) -> None:
    # given
    before = kept.ask(kept.photo())
    # when
    ended = kept.execute(INPUT | {"release": {"minimumAccuracy": 0, "approval": "manual"}})
    # then
    output = json.loads(ended["output"])
    assert output["decision"] == "awaiting-approval"
    package = kept.client("sagemaker").describe_model_package(ModelPackageName=output["model"]["packageArn"])
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    assert kept.ask(kept.photo()) == before
