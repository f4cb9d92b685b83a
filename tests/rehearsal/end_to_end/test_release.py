"""From photos to the served model, and again with the same dataset."""

from __future__ import annotations

import io
import json
import tarfile

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
    assert output["evaluation"]["champion"] is None
    assert "release.minimumAccuracy 0" in output["reason"]
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


def test_a_better_model_on_the_same_dataset_takes_the_champions_place(kept: Kept) -> None:
    # when more is learned from the same dataset, and the release asks for what it does by default
    longer = INPUT["hyperparameters"] | {"epochs": 12}
    ended = kept.execute(INPUT | {"hyperparameters": longer, "release": {"minimumAccuracy": 0}})
    # then no data state runs again, and the same endpoint serves the new model
    assert not BUILD & set(ended["entered"])
    output = json.loads(ended["output"])
    package = output["model"]["packageArn"]
    assert package != kept.result["output"]["model"]["packageArn"], output["reason"]
    assert kept.ask(kept.photo())["model"] == package
    # ... which was compared with the first on all test images, by the same code
    champion = output["evaluation"]["champion"]
    assert champion["packageArn"] == kept.result["output"]["model"]["packageArn"]
    assert (champion["comparable"], champion["leftOut"]) == (True, 0)
    assert champion["images"] == output["evaluation"]["images"]
    for name, evaluation in (("champion", kept.result["output"]["evaluation"]), ("challenger", output["evaluation"])):
        assert champion[name] == pytest.approx({measure: evaluation[measure] for measure in champion[name]}, abs=1e-6)
    assert champion["difference"]["accuracy"]["estimate"] >= 0
    # ... and the registry knows where it came from
    described = kept.client("sagemaker").describe_model_package(ModelPackageName=package)
    told = described["CustomerMetadataProperties"]
    assert (told["dataset"], told["trainingJob"]) == (output["dataset"]["id"], output["training"]["jobName"])
    assert (told["champion"], told["epochs"], len(told["code"])) == (champion["packageArn"], "12", 64)


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


def test_a_worse_model_is_rejected_with_its_paired_figures_and_the_endpoint_left_alone(kept: Kept) -> None:
    # given a live model, and an execution that asks for more than any model reaches and hardly learns
    before = kept.ask(kept.photo())
    unlearned = INPUT["hyperparameters"] | {"learningRate": 1e-7}
    # when
    ended = kept.execute(INPUT | {"hyperparameters": unlearned, "release": {"minimumAccuracy": 1}})
    # then the output says so and why
    output = json.loads(ended["output"])
    assert (output["decision"], output["model"]["packageArn"]) == ("rejected", None)
    assert "below release.minimumAccuracy 1" in output["reason"]
    # ... it is worse than the champion, on the same images
    champion, evaluation = output["evaluation"]["champion"], output["evaluation"]
    assert (champion["packageArn"], champion["images"]) == (before["model"], evaluation["images"])
    low, high = champion["difference"]["accuracy"]["interval"]
    assert low <= champion["difference"]["accuracy"]["estimate"] <= high
    assert champion["difference"]["accuracy"]["estimate"] < 0
    assert "is lower by more than release.margin 0" in output["reason"]
    # ... and than always giving the most frequent count
    assert evaluation["accuracy"] <= evaluation["majorityAccuracy"]
    assert f"is not above {evaluation['majorityAccuracy']:.4f}, what always giving the most" in output["reason"]
    assert kept.ask(kept.photo()) == before


def test_a_champion_that_was_trained_on_the_test_bins_is_not_compared_with_on_them(kept: Kept) -> None:
    # given a live model, when another seed splits the same bins in another way
    before = kept.ask(kept.photo())
    output = json.loads(
        kept.execute(INPUT | {"seed": 1, "release": {"minimumAccuracy": 0, "aboveMajority": False}})["output"]
    )
    # then of the test bins those are left out that it has seen, or a group of which it has, by both datasets' lists
    first, second = (
        {split: groups_of(kept, dataset["uri"], split) for split in ("train", "valid", "test")}
        for dataset in (kept.result["output"]["dataset"], output["dataset"])
    )
    seen = set(first["train"].values()) | set(first["valid"].values())
    left_out = sum(group in seen for group in second["test"].values())
    champion = output["evaluation"]["champion"]
    assert champion["leftOut"] == left_out
    assert left_out > output["evaluation"]["images"] / 2
    # ... and too few remain for a comparison, which the release asks for
    assert (champion["comparable"], output["decision"]) == (False, "rejected")
    assert f"{left_out} of {output['evaluation']['images']} test images are of bins" in output["reason"]
    assert kept.ask(kept.photo()) == before


def groups_of(kept: Kept, dataset: str, split: str) -> dict[str, str]:
    """The group of each bin of a split, from the shards themselves."""
    bucket, _, prefix = dataset.removeprefix("s3://").partition("/")
    s3, found = kept.client("s3"), {}
    for item in s3.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/{split}/")["Contents"]:
        body = s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(body)) as shard:
            for member in shard:
                if member.name.endswith(".json"):
                    facts = json.load(shard.extractfile(member))  # type: ignore[arg-type]
                    found[facts["id"]] = facts["group"]
    return found


def test_a_model_that_waits_for_approval_is_registered_and_not_served(kept: Kept) -> None:
    # given
    before = kept.ask(kept.photo())
    # when
    ended = kept.execute(INPUT | {"release": INPUT["release"] | {"approval": "manual"}})
    # then
    output = json.loads(ended["output"])
    assert output["decision"] == "awaiting-approval"
    package = kept.client("sagemaker").describe_model_package(ModelPackageName=output["model"]["packageArn"])
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    assert kept.ask(kept.photo()) == before
