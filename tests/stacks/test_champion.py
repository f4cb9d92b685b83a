"""Read champion to the verdict: what the evaluation is given of the model that serves, what the registry is told."""

import json
from typing import Any

import pytest

from run import contract
from stacks.states.evaluate import RULE
from stacks.states.package_metadata import properties
from tests.stacks.execution import RUN, accepted, rendered, variables
from tests.stacks.test_processing import TRAINED, command, inputs

States = dict[str, dict[str, Any]]
PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/stocktake-01234567/2"
ARTIFACT = "s3://data/models/another/output/model.tar.gz"


def stack(package: str) -> dict[str, Any]:
    return {"Stacks": [{"Parameters": [{"ParameterKey": "ModelPackageArn", "ParameterValue": package}]}]}


def champion(states: States, package: str, dataset: str | None = "old", lists: int = 1) -> Any:
    """The variable `champion` before the evaluation, where this package serves."""
    known = variables() | rendered(states["Read champion"]["Assign"], variables(), result=stack(package))
    (serves,) = states["Champion serves?"]["Choices"]
    if not rendered(serves["Condition"], known):
        assert states["Champion serves?"]["Default"] == "Evaluate"
        return known["champion"]
    assert serves["Next"] == "Describe champion"
    assert rendered(states["Describe champion"]["Arguments"], known) == {"ModelPackageName": package}
    described: dict[str, Any] = {"InferenceSpecification": {"Containers": [{"ModelDataUrl": ARTIFACT}]}}
    if dataset:
        described["CustomerMetadataProperties"] = {"dataset": dataset}
    known |= rendered(states["Describe champion"]["Assign"], known, result=described)
    asked = rendered(states["Find champion bins"]["Arguments"], known)
    assert asked == {"Bucket": "data", "Prefix": f"datasets/{dataset or ''}/splits.json", "MaxKeys": 1}
    assert states["Find champion bins"]["Next"] == "Evaluate"
    return rendered(states["Find champion bins"]["Assign"], known, result={"KeyCount": lists})["champion"]


def test_an_endpoint_without_a_model_has_no_champion(states: States) -> None:
    assert champion(states, "") is None


@pytest.mark.parametrize(
    ("dataset", "lists", "bins"),
    [("old", 1, "s3://data/datasets/old/splits.json"), ("old", 0, None), (None, 0, None)],
    ids=["its dataset lists its bins", "its dataset is gone or of an earlier version", "registered by hand"],
)
def test_the_champion_comes_with_its_artifact_and_the_bins_that_it_was_made_from(
    states: States, dataset: str | None, lists: int, bins: str | None
) -> None:
    found = champion(states, PACKAGE, dataset, lists)
    assert found == {"packageArn": PACKAGE, "artifact": ARTIFACT, "bins": bins}


@pytest.mark.parametrize("bins", [None, "s3://data/datasets/old/splits.json"])
@pytest.mark.parametrize("tuning", [None, {"jobName": "stocktake-tune-0"}])
def test_the_job_gets_both_models(states: States, bins: str | None, tuning: dict[str, Any] | None) -> None:
    serving = {"packageArn": PACKAGE, "artifact": ARTIFACT, "bins": bins}
    known = variables(training=TRAINED, tuning=tuning, champion=serving)
    request = accepted("CreateProcessingJob", rendered(states["Evaluate"]["Arguments"], known))
    _, arguments = command(request)
    options = dict(zip(arguments[::2], arguments[1::2], strict=True))
    assert options["--champion"] == "input/champion"
    assert options["--champion-package"] == PACKAGE
    assert options["--champion-bins"] == "input/champion-bins"
    assert ("--tuning" in options) is bool(tuning)
    found = inputs(request)
    assert (found["model"], found["champion"]) == (TRAINED["modelArtifact"], ARTIFACT)
    assert found.get("champion-bins") == bins


def test_the_job_is_told_the_rule_in_as_many_characters_as_an_argument_may_have(states: States) -> None:
    share = 0.12345678901234567
    given = {"minimumAccuracy": share, "margin": share, "minimumRecall": share, "aboveMajority": False}
    known = variables({"release": given | {"approval": "manual"}}, training=TRAINED)
    _, arguments = command(accepted("CreateProcessingJob", rendered(states["Evaluate"]["Arguments"], known)))
    rule = json.loads(arguments[arguments.index("--rule") + 1])
    assert rule == {name: pytest.approx(value) for name, value in given.items()}
    # all that the contract has of it, but for who approves
    assert set(contract.complete({}).to_json()["release"]) >= set(RULE)


def test_the_chain_can_be_entered_again_for_a_newer_champion(states: States) -> None:
    # given an evaluation that has run, when its first state is entered again
    first = variables(training=TRAINED, evaluationSeconds=50)
    again = first | rendered(states["Read champion"]["Assign"], first, result=stack(PACKAGE))
    # then the job has another name, and its seconds are added
    names = [rendered(states["Evaluate"]["Arguments"]["ProcessingJobName"], known) for known in (first, first | again)]
    assert names == [f"stocktake-{RUN}-eval-1-1", f"stocktake-{RUN}-eval-2-1"]
    times = {"ProcessingStartTime": "2026-11-25T10:00:00Z", "ProcessingEndTime": "2026-11-25T10:01:30Z"}
    assigned = rendered(states["Describe evaluation"]["Assign"], again, {"jobName": "a-job"}, times)
    assert assigned == {"evaluationSeconds": 140}


@pytest.mark.parametrize(("accepted_", "following"), [(True, "Register"), (False, "Reject model")])
def test_the_machine_does_what_the_evaluation_says(states: States, accepted_: bool, following: str) -> None:
    metrics = {"accuracy": 0.9, "release": {"accepted": accepted_, "reason": "for a reason", "checks": []}}
    known = variables() | rendered(
        states["Read evaluation"]["Assign"], variables(), result={"Body": json.dumps(metrics)}
    )
    assert states["Read evaluation"]["Next"] == "Good enough?"
    enough = states["Good enough?"]
    ways = [choice["Next"] for choice in enough["Choices"] if rendered(choice["Condition"], known)]
    assert [*ways, enough["Default"]][0] == following
    assert known["reason"] == "for a reason"
    assert rendered(states["Reject model"]["Assign"], known)["reason"] == "for a reason"


METRICS = {"accuracy": 1 / 3, "interval": [0.2, 0.5], "majorityAccuracy": 0.3, "withinOne": 0.8, "mae": 0.7}
METRICS |= {"rmse": 0.9, "images": 142, "champion": None}
COMPARED = {
    "packageArn": PACKAGE,
    "images": 140,
    "champion": {"accuracy": 0.31},
    "difference": {"accuracy": {"estimate": 0.02, "interval": [-0.03, 0.07]}},
    "mcnemar": {"pValue": 0.4},
}


def told(given: dict[str, Any], evaluation: dict[str, Any], **more: Any) -> dict[str, str]:
    """The properties of a package, as far as SageMaker takes them."""
    training = {"jobName": "a-job", "architecture": "resnet50"}
    known = variables(given, training=training, dataset={"id": "d"}, evaluation=evaluation, **more)
    found: dict[str, str] = rendered(properties("c0de"), known)
    request = {"ModelPackageGroupName": "g", "CustomerMetadataProperties": found}
    return accepted("CreateModelPackage", request)["CustomerMetadataProperties"]


def test_a_package_tells_its_lineage_and_figures() -> None:
    found = told({"seed": 3}, METRICS, tuning={"jobName": "tune-0"})
    assert (
        found.items()
        >= {
            "execution": "an execution",
            "dataset": "d",
            "code": "c0de",
            "trainingJob": "a-job",
            "tuningJob": "tune-0",
            "architecture": "resnet50",
            "recipe": "notebook",
            "weights": "imagenet",
            "learningRate": "0.0005",
            "batchSize": "128",
            "epochs": "5",
            "seed": "3",
            "images": "142",
            "majorityAccuracy": "0.3",
        }.items()
    )
    assert float(found["accuracy"]) == pytest.approx(1 / 3)
    # of the first model, without a number format and a champion
    assert not {name for name in found if name.startswith("champion")} | ({"precision"} & found.keys())
    assert "tuningJob" not in told({}, METRICS)


def test_a_package_names_the_champion_that_it_was_compared_with() -> None:
    found = told({}, METRICS | {"champion": COMPARED, "precision": "bfloat16"})
    assert found["champion"] == PACKAGE
    assert (found["championAccuracy"], found["championDifference"], found["championPValue"]) == ("0.31", "0.02", "0.4")
    assert (found["championDifferenceLow"], found["championDifferenceHigh"]) == ("-0.03", "0.07")
    assert found["precision"] == "bfloat16"
    # one that could not be compared with is named all the same
    alone = told({}, METRICS | {"champion": {"packageArn": PACKAGE, "comparable": False}})
    assert [name for name in alone if name.startswith("champion")] == ["champion"]


def test_what_the_registry_refuses_does_not_stop_a_release() -> None:
    # given names that Step Functions and S3 take
    weights = f"s3://data/models/it's(1),{'x' * 300}.pth"
    assert told({"weights": weights}, METRICS)["weights"].startswith("s3://data/models/it_s_1__xxx")
