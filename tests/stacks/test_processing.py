"""Extract features and Evaluate: scripts of the training code in processing jobs."""

import json
from typing import Any

import pytest

from tests.stacks.execution import RUN, accepted, rendered, variables

States = dict[str, dict[str, Any]]
TRAINED = {"modelArtifact": "s3://data/models/a-job/output/model.tar.gz"}


def extraction(states: States, given: dict[str, Any] | None = None) -> dict[str, Any]:
    """The job for the second architecture."""
    known = variables(given, ready=False)
    item = rendered(states["Extract features"]["Items"], known)[1]
    return accepted("CreateProcessingJob", rendered(states["Extract candidate"]["Arguments"], known, item))


def evaluation(states: States, tuning: dict[str, Any] | None) -> dict[str, Any]:
    known = variables(training=TRAINED, tuning=tuning)
    return accepted("CreateProcessingJob", rendered(states["Evaluate"]["Arguments"], known))


def command(request: dict[str, Any]) -> tuple[str, list[str]]:
    """The shell line, and the script's arguments; what lies between is the line's own name."""
    specification = request["AppSpecification"]
    bash, option, line, _ = specification["ContainerEntrypoint"]
    assert (bash, option) == ("/bin/bash", "-c")
    return line, specification["ContainerArguments"]


def inputs(request: dict[str, Any]) -> dict[str, str]:
    """Folder below the job's input -> URI, without the code's."""
    root = "/opt/ml/processing/input/"
    found = {i["S3Input"]["LocalPath"].removeprefix(root): i["S3Input"]["S3Uri"] for i in request["ProcessingInputs"]}
    assert found.pop("code").startswith("s3://")
    return found


def test_a_frozen_network_sees_all_splits_on_the_trainings_own_instances(states: States) -> None:
    request = extraction(states, {"seed": 3})
    assert request["ProcessingJobName"] == f"stocktake-{RUN}-feat-1-1"
    # Its script reads and writes folders: nothing it could be made to run reaches a network.
    assert request["NetworkConfig"] == {"EnableNetworkIsolation": True}
    line, arguments = command(request)
    assert line.endswith('exec python3 code/extract_features.py "$@"')
    options = dict(zip(arguments[::2], arguments[1::2], strict=True))
    assert options == {
        "--architecture": "resnet101",
        "--weights": "channel",
        "--weights-folder": "input/weights",
        "--seed": "3",
        "--image-size": "224",
        "--input": "input/dataset",
        "--output": "/opt/ml/processing/output",
    }
    assert inputs(request) == {
        "dataset/train": "s3://data/datasets/d/train/",
        "dataset/valid": "s3://data/datasets/d/valid/",
        "dataset/test": "s3://data/datasets/d/test/",
        "weights": "s3://data/weights/imagenet/resnet101.pth",
    }
    (output,) = request["ProcessingOutputConfig"]["Outputs"]
    assert output["S3Output"]["S3Uri"] == "s3://data/features/of-resnet101"
    assert request["ProcessingResources"]["ClusterConfig"]["InstanceType"] == "ml.g4dn.xlarge"
    assert request["AppSpecification"]["ImageUri"] == "pytorch-gpu"


def test_random_weights_are_no_input(states: States) -> None:
    request = extraction(states, {"weights": "none"})
    _, arguments = command(request)
    assert arguments[arguments.index("--weights") + 1] == "none"
    assert "weights" not in inputs(request)


def test_a_processing_job_may_not_run_as_long_as_a_training_job(states: States) -> None:
    weeks = {"training": {"maxRunSeconds": 2_000_000, "maxWaitSeconds": 2_000_000}}
    assert extraction(states, weeks)["StoppingCondition"] == {"MaxRuntimeInSeconds": 432_000}


def test_only_missing_features_are_extracted(states: States) -> None:
    known = variables(ready=True)
    known["run"]["candidates"][1]["features"]["ready"] = False
    assert rendered(states["Extract features"]["Items"], known) == [known["run"]["candidates"][1]]


def test_features_are_marked_after_the_job_has_ended(states: States) -> None:
    processor = states["Extract features"]["ItemProcessor"]
    assert processor["StartAt"] == "Extract candidate"
    assert states["Extract candidate"]["Next"] == "Describe extraction"
    assert states[states["Describe extraction"]["Next"]]["Default"] == "Mark features"
    assert states["Mark features"]["End"] is True
    # given what the job before hands on
    item = variables()["run"]["candidates"][0]
    ended = rendered(states["Extract candidate"]["Output"], variables(), item, {"ProcessingJobName": "a-job"})
    times = {"ProcessingStartTime": "2026-11-25T10:00:00Z", "ProcessingEndTime": "2026-11-25T10:01:30Z"}
    described = rendered(states["Describe extraction"]["Output"], variables(), ended, times)
    # then the marker is the object that Plan looks for
    marker = rendered(states["Mark features"]["Arguments"], variables(), described)
    assert (marker["Bucket"], marker["Key"]) == ("data", item["features"]["marker"])
    # The integration writes JSON itself; a text would get quotes.
    assert marker["Body"] == {"jobName": "a-job"}
    assert rendered(states["Mark features"]["Output"], variables(), described) == {"seconds": 90}
    one = variables({"architectures": ["resnet50"]}, ready=False)
    assert rendered(states["Extract features"]["Assign"], one, result=[{"seconds": 90}]) == {
        "extracted": [{"architecture": "resnet50", "seconds": 90}],
        "featuresSeconds": 90,
    }


@pytest.mark.parametrize("tuning", [None, {"jobName": "stocktake-tune-0"}])
def test_the_evaluation_is_told_of_tuning_where_there_was_any(states: States, tuning: dict[str, Any] | None) -> None:
    request = evaluation(states, tuning)
    line, arguments = command(request)
    assert line.endswith('exec python3 code/evaluate.py "$@"')
    told = ["--model", "input/model", "--test", "input/test", "--output", "/opt/ml/processing/output"]
    place = arguments.index("--rule") + 1
    rule = {"minimumAccuracy": 0.3, "aboveMajority": True, "margin": 0, "minimumRecall": 0}
    assert json.loads(arguments[place]) == rule
    told += ["--rule", arguments[place]]
    read = {"model": TRAINED["modelArtifact"], "test": "s3://data/datasets/d/test/"}
    if tuning:
        told += ["--tuning", "input/tuning"]
        read["tuning"] = f"s3://data/reports/{RUN}/tuning/"
    assert arguments == told
    assert inputs(request) == read
