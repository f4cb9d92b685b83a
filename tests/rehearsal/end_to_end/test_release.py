"""From photos to the served model, and again with the same dataset."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.rehearsal.emulator import PATIENCE, Emulator
from tests.rehearsal.end_to_end.kept_rehearsal import INPUT, Kept
from tests.rehearsal.end_to_end.load import CLIENTS, Load

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
    assert 0 < output["cost"]["usd"] < 1
    # the bins that nobody can use were told apart from the rest
    assert sum(output["dataset"]["rejected"].values()) >= 5


def test_an_execution_is_estimated_before_it_is_started(kept: Kept) -> None:
    # given the function that the stack names
    stacks = kept.client("cloudformation").describe_stacks(StackName="Stocktake-Workflow")["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stacks[0]["Outputs"]}

    def estimate(given: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
        body = json.dumps(given).encode()
        answer = kept.client("lambda").invoke(FunctionName=outputs["EstimateFunction"], Payload=body)
        return answer.get("FunctionError"), json.loads(answer["Payload"].read())

    # when it is asked, then it answers with prices of the repository's table, as nothing here has AWS's list
    error, estimated = estimate(INPUT)
    assert error is None
    assert estimated["usd"] > 0
    assert estimated["prices"].startswith("table of ")
    # and an invalid input is refused as the execution would be
    error, refused = estimate({"dataset": {"fraction": 3}})
    assert (error, refused["errorType"]) == ("Unhandled", "InvalidInput")
    assert refused["errorMessage"].startswith("dataset.fraction: 3 was given")


def test_the_endpoint_answers_as_the_evaluation_did(kept: Kept) -> None:
    # given the evaluation's predictions, and the photos as the source has them
    report = next((kept.exported / "reports").iterdir())
    expected = [json.loads(row) for row in (report / "predictions.jsonl").read_text().splitlines()]
    assert len(expected) > 10
    for row in expected:
        photo = (kept.source / "bin-images" / f"{row['id']}.jpg").read_bytes()
        # when the live endpoint is sent one
        answer = kept.ask(photo)
        # then it gives the same probabilities, and names the model that the execution registered
        assert answer["probabilities"] == pytest.approx(row["probabilities"], abs=1e-5)
        assert answer["count"] == row["predicted"]
        assert answer["model"] == kept.result["output"]["model"]["packageArn"]


def goes_on_from(kept: Kept, answer: str, **release: Any) -> dict[str, Any]:
    """Input for a model that hardly learns, from one that gives the same answer to every photo."""
    champion: str = kept.result["output"]["training"]["modelArtifact"]
    key = f"models/always-{answer}/model.tar.gz"
    uri = kept.change_artifact(champion, key, "model.pt", lambda content: always(int(answer), content))
    unlearned = INPUT["hyperparameters"] | {"learningRate": 1e-7}
    return INPUT | {"weights": uri, "hyperparameters": unlearned, "release": release}


def always(answer: int, tensors: bytes) -> bytes:
    """The file model.pt of a network all of whose parameters are nothing but the bias of one count of 1 to 5."""
    weights = torch.load(io.BytesIO(tensors))
    for name, value in weights.items():
        value.fill_(1 if name.endswith("running_var") else 0)
    weights["fc.bias"][answer - 1] = 5
    file = io.BytesIO()
    torch.save(weights, file)
    return file.getvalue()


@pytest.fixture(scope="module")
def images_by_count(kept: Kept) -> dict[str, int]:
    """Test images by count."""
    counts: dict[str, int] = kept.result["output"]["dataset"]["counts"]["test"]
    assert min(counts.values()) < max(counts.values())
    return counts


@pytest.fixture(scope="module")
def rarest(images_by_count: dict[str, int]) -> str:
    return min(images_by_count, key=lambda count: images_by_count[count])


@pytest.fixture(scope="module")
def most_frequent(images_by_count: dict[str, int]) -> str:
    return max(images_by_count, key=lambda count: images_by_count[count])


def test_a_second_execution_reuses_the_dataset_and_serves_its_own_model(kept: Kept, rarest: str) -> None:
    # when the same dataset is asked for with another model, which may be any
    ended = kept.execute(goes_on_from(kept, rarest, **INPUT["release"]))
    # then no data state runs again, and the same endpoint serves the new model
    assert not BUILD & set(ended["entered"])
    output = json.loads(ended["output"])
    package = output["model"]["packageArn"]
    assert package != kept.result["output"]["model"]["packageArn"]
    assert kept.ask(kept.photo())["model"] == package
    assert kept.ask(kept.photo())["count"] == int(rarest)
    # ... whose configuration alone has alarms
    for alarm in ("5xx", "latency"):
        found = kept.client("cloudwatch").describe_alarms(AlarmNamePrefix=f"stocktake-endpoint-{alarm}-")
        configuration = kept.client("sagemaker").describe_endpoint(EndpointName="stocktake")["EndpointConfigName"]
        assert [each["AlarmName"] for each in found["MetricAlarms"]] == [f"stocktake-endpoint-{alarm}-{configuration}"]
    # ... and the first one was measured beside it as it was then
    champion, before = output["evaluation"]["champion"], kept.result["output"]
    assert (champion["packageArn"], champion["comparable"]) == (before["model"]["packageArn"], True)
    assert champion["champion"] == pytest.approx(
        {measure: before["evaluation"][measure] for measure in champion["champion"]}, abs=1e-6
    )


def test_a_better_model_takes_the_champions_place(
    kept: Kept, images_by_count: dict[str, int], rarest: str, most_frequent: str
) -> None:
    # given a champion that always gives the rarest count, when another always gives the most frequent one
    before = kept.ask(kept.photo())["model"]
    asked = goes_on_from(kept, most_frequent, minimumAccuracy=0, aboveMajority=False)
    execution = kept.start(asked)
    kept.wait_until_entered(execution, "Update endpoint stack")
    with Load(kept, kept.photo()) as load:
        output = json.loads(kept.ended(execution)["output"])
        load.wait_for_answers(CLIENTS)
    # then it is better by exactly so many of the same images, and serves
    champion, images = output["evaluation"]["champion"], sum(images_by_count.values())
    better = (images_by_count[most_frequent] - images_by_count[rarest]) / images
    assert (champion["images"], champion["leftOut"]) == (images, 0)
    assert champion["difference"]["accuracy"]["estimate"] == pytest.approx(better)
    assert output["decision"] == "deployed"
    after = output["model"]["packageArn"]
    assert kept.ask(kept.photo())["model"] == after
    # ... of all that clients asked meanwhile nothing failed, and once it answered, the old one got no new request
    assert load.faults == []
    assert {answer.package for answer in load.answers} == {before, after}
    assert max(old.sent for old in load.of(before)) < min(new.answered for new in load.of(after))
    # ... and the registry knows where it came from
    package = kept.client("sagemaker").describe_model_package(ModelPackageName=output["model"]["packageArn"])
    told = package["CustomerMetadataProperties"]
    assert (told["dataset"], told["trainingJob"]) == (output["dataset"]["id"], output["training"]["jobName"])
    assert (told["champion"], told["weights"], len(told["code"])) == (champion["packageArn"], asked["weights"], 64)


def test_a_worse_model_is_rejected_with_its_paired_figures_and_the_endpoint_left_alone(
    kept: Kept, images_by_count: dict[str, int], rarest: str, most_frequent: str
) -> None:
    # given a live model that always gives the most frequent count, and an execution that asks for more than any reaches
    before = kept.ask(kept.photo())
    assert before["count"] == int(most_frequent)
    # when its model always gives the rarest count
    ended = kept.execute(goes_on_from(kept, rarest, minimumAccuracy=1))
    # then the output says so and why
    output = json.loads(ended["output"])
    assert (output["decision"], output["model"]["packageArn"]) == ("rejected", None)
    assert "below release.minimumAccuracy 1" in output["reason"]
    # ... it is worse than the champion, on the same images
    champion, images = output["evaluation"]["champion"], sum(images_by_count.values())
    alone = {"onlyChallenger": images_by_count[rarest], "onlyChampion": images_by_count[most_frequent]}
    assert (champion["packageArn"], champion["images"]) == (before["model"], images)
    assert champion["mcnemar"].items() >= alone.items()
    low, high = champion["difference"]["accuracy"]["interval"]
    assert low < champion["difference"]["accuracy"]["estimate"] < high
    assert "is lower by more than release.margin 0" in output["reason"]
    # ... and than always giving the most frequent count
    share = images_by_count[most_frequent] / images
    assert f"is not above {share:.4f}, what always giving the most frequent count reaches" in output["reason"]
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


def test_a_model_that_waits_for_a_person_is_served_when_one_approves_and_others_wait_for_its_turn(
    kept: Kept, tmp_path: Path
) -> None:
    # given an execution that waits, its model registered and not served
    before = kept.ask(kept.photo())
    arn = kept.start(INPUT | {"release": INPUT["release"] | {"approval": "manual"}})
    history = kept.client("stepfunctions").get_execution_history
    Emulator.wait_for(
        lambda: str(history(executionArn=arn, maxResults=3, reverseOrder=True)),
        lambda latest: "waitForTaskToken" in latest and "TaskSubmitted" in latest,
    )
    assert kept.ask(kept.photo()) == before
    # ... whose turn it is, when another one comes to the endpoint
    [table] = [name for name in kept.client("dynamodb").list_tables()["TableNames"] if "Turns" in name]
    turn = {"id": {"S": "turn"}, "takenBy": {"S": arn}}
    kept.client("dynamodb").put_item(TableName=table, Item=turn)
    promotion = kept.start({"release": {"package": before["model"]}})
    Emulator.wait_for(lambda: str(history(executionArn=promotion)), lambda events: "Wait for turn" in events)
    # when somebody has looked at its evaluation, and gives the command of the message
    look = kept.console("report", arn.rpartition(":")[2], "--to", str(tmp_path))
    _, complaint = look.communicate(timeout=PATIENCE)
    assert look.returncode == 0, complaint
    assert "<h1" in (tmp_path / "report.html").read_text()
    approval = kept.console("approve", arn.rpartition(":")[2], "--reason", "good enough")
    said, complaint = approval.communicate(timeout=PATIENCE)
    assert approval.returncode == 0, complaint
    # then the execution goes on with the package that was approved, and the other one comes after it
    output = json.loads(kept.ended(arn)["output"])
    package = output["model"]["packageArn"]
    assert package in said
    assert output["decision"] == "deployed"
    assert "is at least release.minimumAccuracy 0" in output["reason"]
    assert json.loads(kept.ended(promotion)["output"])["decision"] == "deployed"
    described = kept.client("sagemaker").describe_model_package(ModelPackageName=before["model"])
    assert described["CustomerMetadataProperties"]["replaced"] == package
    assert kept.ask(kept.photo()) == before


def test_a_rollback_and_a_promotion_at_once_take_turns(kept: Kept) -> None:
    # given a model that replaced another
    served = kept.ask(kept.photo())["model"]
    registry = kept.client("sagemaker")
    before = registry.describe_model_package(ModelPackageName=served)["CustomerMetadataProperties"]["replaced"]
    # when two people want different ones at the same time
    commands = [kept.console("rollback"), kept.console("promote", served)]
    said = [command.communicate(timeout=PATIENCE) for command in commands]
    # then neither fails, and whoever came last is served, tried with its own photos
    assert [command.returncode for command in commands] == [0, 0], said
    assert f"deployed: {before}" in said[0][0]
    assert f"deployed: {served}" in said[1][0]
    executions = kept.client("stepfunctions").list_executions(stateMachineArn=kept.machine)["executions"][:2]
    last = max(executions, key=lambda execution: execution["stopDate"])
    output = json.loads(kept.ended(last["executionArn"])["output"])
    assert kept.ask(kept.photo())["model"] == output["model"]["packageArn"]
    assert "Train" not in kept.ended(last["executionArn"])["entered"]


def test_a_package_that_answers_otherwise_than_it_was_evaluated_is_taken_back(kept: Kept) -> None:
    # given an approved package of the served model with another model's evaluation
    before = kept.ask(kept.photo())
    registry, s3 = kept.client("sagemaker"), kept.client("s3")
    package = registry.describe_model_package(ModelPackageName=before["model"])
    metrics = package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
    bucket, _, prefix = metrics.removeprefix("s3://").removesuffix("/metrics.json").partition("/")
    for item in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]:
        body = s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
        if item["Key"].endswith("/predictions.jsonl"):
            rows = [json.loads(line) for line in body.splitlines()]
            others = [row | {"probabilities": row["probabilities"][1:] + row["probabilities"][:1]} for row in rows]
            body = "\n".join(map(json.dumps, others)).encode()
        s3.put_object(Bucket=bucket, Key=item["Key"].replace(prefix, "reports/others"), Body=body)
    statistics = {"ContentType": "application/json", "S3Uri": f"s3://{bucket}/reports/others/metrics.json"}
    wrong = registry.create_model_package(
        ModelPackageGroupName=package["ModelPackageGroupName"],
        InferenceSpecification=package["InferenceSpecification"],
        ModelApprovalStatus="Approved",
        ModelMetrics={"ModelQuality": {"Statistics": statistics}},
    )["ModelPackageArn"]
    # when it is promoted
    promotion = kept.console("promote", wrong)
    _, complaint = promotion.communicate(timeout=PATIENCE)
    # then the execution fails by name, the package is out, and the model before serves again
    assert promotion.returncode == 1
    assert "FAILED SmokeTestFailed: Smoke test: " in complaint
    assert registry.describe_model_package(ModelPackageName=wrong)["ModelApprovalStatus"] == "Rejected"
    assert kept.ask(kept.photo()) == before


def test_the_sdks_own_client_predicts(kept: Kept, tmp_path: Path) -> None:
    photo = tmp_path / "bin.jpg"
    photo.write_bytes(kept.photo())
    prediction = kept.console("predict", str(photo), "--endpoint", kept.result["endpoint"]["name"])
    said, complaint = prediction.communicate(timeout=PATIENCE)
    assert prediction.returncode == 0, complaint
    assert json.loads(said) == kept.ask(photo.read_bytes())
