"""Stage weights to Train: which way an execution takes, and what each training job is asked."""

from typing import Any

import pytest

from run.imagenet import EDITIONS
from stacks.states.training_job import RULES
from tests.stacks.execution import RUN, accepted, rendered, variables, way

States = dict[str, dict[str, Any]]
ONE = {"architectures": ["resnet50"]}
UNTUNED = {"tuning": {"enabled": False}}
COMPARED = {"Compare": {"comparison": [{}, {}], "training": {"jobName": "of resnet101"}}}
TUNED = {"Collect trials": {"tuning": {}, "training": None}}
METRICS = [
    {"MetricName": "validation:accuracy", "Value": 0.31},
    {"MetricName": "rule:overfit", "Value": 1.0},
    {"MetricName": "rule:vanishing_gradient", "Value": 0.0},
    {"MetricName": "rule:low_cpu_utilization", "Value": 2.0},
]


def answer(**changed: Any) -> dict[str, Any]:
    """What DescribeTrainingJob says of a finished job."""
    return {
        "TrainingJobName": "a-job",
        "ModelArtifacts": {"S3ModelArtifacts": "s3://data/models/a-job/output/model.tar.gz"},
        "FinalMetricDataList": METRICS,
        "ResourceConfig": {"InstanceType": "ml.g4dn.xlarge", "InstanceCount": 1},
        "TrainingTimeInSeconds": 200,
        "BillableTimeInSeconds": 60,
    } | changed


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (ONE | UNTUNED, ["Stage weights", "Train", "Describe training"]),
        *(
            (ONE | UNTUNED | {"weights": edition}, ["Stage weights", "Train", "Describe training"])
            for edition in EDITIONS
        ),
        (ONE | UNTUNED | {"weights": "none"}, ["Train", "Describe training"]),
        (ONE | UNTUNED | {"weights": "s3://data/weights/mine.pth"}, ["Train", "Describe training"]),
        (UNTUNED, ["Stage weights", "Compare"]),
        (ONE, ["Stage weights", "Tune", "Collect trials", "Train", "Describe training"]),
        ({}, ["Stage weights", "Compare", "Tune", "Collect trials", "Train", "Describe training"]),
    ],
)
def test_an_execution_trains_what_its_input_asks(
    definition: dict[str, Any], given: dict[str, Any], expected: list[str]
) -> None:
    assert way(definition, variables(given), COMPARED | TUNED) == expected


@pytest.mark.parametrize(
    ("given", "extracted"),
    [({"trainable": "head"}, True), ({"trainable": "layer4"}, False)],
)
def test_features_are_extracted_where_only_the_head_learns(
    definition: dict[str, Any], given: dict[str, Any], extracted: bool
) -> None:
    known = variables(ONE | UNTUNED | given, ready=False)
    known["run"]["dataset"]["ready"] = True
    assert ("Extract features" in way(definition, known, {})) is extracted


def test_the_seeds_comparison_is_the_default(states: States) -> None:
    """ResNet-50 and ResNet-101, only the head trained, lr 0.0005, batch 128, 5 epochs, spot."""
    known = variables()
    items = rendered(states["Compare"]["Items"], known)
    assert states["Compare"]["MaxConcurrency"] == 2
    requests = [
        accepted("CreateTrainingJob", rendered(states["Train candidate"]["Arguments"], known, item)) for item in items
    ]
    assert [r["TrainingJobName"] for r in requests] == [f"stocktake-{RUN}-comp-0-1", f"stocktake-{RUN}-comp-1-1"]
    expected = {
        "sagemaker_program": "train.py",
        "sagemaker_torch_distributed_enabled": "true",
        "recipe": "notebook",
        "weights": "channel",
        "trainable": "head",
        "loss": "cross-entropy",
        "lr": "0.0005",
        "batch-size": "128",
        "epochs": "5",
        "seed": "0",
        "image-size": "224",
        "labels": "1,2,3,4,5",
        "label-noise-folds": "0",
        "debug-interval": "50",
        "trace": "false",
    }
    for name, request in zip(("resnet50", "resnet101"), requests, strict=True):
        hyperparameters = request["HyperParameters"]
        assert hyperparameters.pop("sagemaker_submit_directory").startswith("s3://")
        assert hyperparameters == expected | {"architecture": name}
        assert request["EnableManagedSpotTraining"] is True
        assert request["StoppingCondition"] == {"MaxRuntimeInSeconds": 7200, "MaxWaitTimeInSeconds": 14400}
        assert request["CheckpointConfig"]["S3Uri"].endswith(f"/checkpoints/{request['TrainingJobName']}")
        assert request["OutputDataConfig"]["S3OutputPath"].endswith("/models/")


def test_without_spot_nobody_waits(states: States) -> None:
    # SageMaker refuses MaxWaitTimeInSeconds without spot.
    known = variables({"training": {"spot": False, "instanceType": "ml.m5.xlarge"}})
    request = accepted("CreateTrainingJob", rendered(states["Train"]["Arguments"], known))
    assert request["EnableManagedSpotTraining"] is False
    assert request["StoppingCondition"] == {"MaxRuntimeInSeconds": 7200}
    assert request["ResourceConfig"]["InstanceType"] == "ml.m5.xlarge"


@pytest.mark.parametrize(("trainable", "expected"), [("head", "ml.c5.xlarge"), ("all", "ml.g5.xlarge")])
def test_only_a_head_is_trained_on_its_own_instance_type(states: States, trainable: str, expected: str) -> None:
    known = variables(
        {"trainable": trainable, "training": {"instanceType": "ml.g5.xlarge", "headInstanceType": "ml.c5.xlarge"}}
    )
    training = accepted("CreateTrainingJob", rendered(states["Train"]["Arguments"], known))
    trial = accepted("CreateHyperParameterTuningJob", rendered(states["Tune"]["Arguments"], known))
    for request in (training, trial["TrainingJobDefinition"]):
        assert request["ResourceConfig"]["InstanceType"] == expected
        assert request["AlgorithmSpecification"]["TrainingImage"] == "pytorch-for-training"
    if trainable == "head":
        candidate = known["run"]["candidates"][0]
        features = accepted("CreateProcessingJob", rendered(states["Extract candidate"]["Arguments"], known, candidate))
        assert features["ProcessingResources"]["ClusterConfig"]["InstanceType"] == "ml.g5.xlarge"
        assert features["AppSpecification"]["ImageUri"] == "pytorch-gpu"


def uris(request: dict[str, Any]) -> dict[str, str]:
    return {c["ChannelName"]: c["DataSource"]["S3DataSource"]["S3Uri"] for c in request["InputDataConfig"]}


@pytest.mark.parametrize(
    ("given", "folder", "weights"),
    [
        ({"trainable": "head"}, "features/of-resnet50", ["s3://data/weights/imagenet/resnet50.pth"]),
        ({"trainable": "all"}, "datasets/d", ["s3://data/weights/imagenet/resnet50.pth"]),
        ({"trainable": "all", "weights": "none"}, "datasets/d", []),
    ],
)
def test_training_reads_features_or_images_and_its_weights(
    states: States, given: dict[str, Any], folder: str, weights: list[str]
) -> None:
    request = accepted("CreateTrainingJob", rendered(states["Train"]["Arguments"], variables(given)))
    found = uris(request)
    assert list(found.values()) == [f"s3://data/{folder}/train/", f"s3://data/{folder}/valid/", *weights]
    assert ("weights" in found) is bool(weights) is (request["HyperParameters"]["weights"] == "channel")


def test_only_the_training_split_is_shared_out_among_instances(states: States) -> None:
    known = variables({"training": {"instanceCount": 2, "sharded": True}})
    request = accepted("CreateTrainingJob", rendered(states["Train"]["Arguments"], known))
    assert request["ResourceConfig"]["InstanceCount"] == 2
    distribution = {
        c["ChannelName"]: c["DataSource"]["S3DataSource"]["S3DataDistributionType"] for c in request["InputDataConfig"]
    }
    assert distribution == {
        "train": "ShardedByS3Key",
        "valid": "FullyReplicated",
        "weights": "FullyReplicated",
    }


FINE_TUNING = {"recipe": "fine-tuning"}


@pytest.mark.parametrize(
    ("given", "found", "read"),
    [
        (FINE_TUNING, {"uncounted": 7}, True),
        # None was found; they were not asked for, so the dataset does not say; and the notebook's recipe reads none.
        (FINE_TUNING, {"uncounted": 0}, False),
        (FINE_TUNING | {"dataset": {"uncounted": False}}, {}, False),
        ({"trainable": "all", "dataset": {"uncounted": True}}, {"uncounted": 7}, False),
        ({"trainable": "head", "dataset": {"uncounted": True}}, {"uncounted": 7}, False),
    ],
)
def test_only_fine_tuning_reads_photos_with_other_counts(
    states: States, given: dict[str, Any], found: dict[str, Any], read: bool
) -> None:
    known = variables(ONE | given | {"training": {"instanceCount": 2, "sharded": True}})
    known["dataset"] |= found
    training = accepted("CreateTrainingJob", rendered(states["Train"]["Arguments"], known))
    trial = accepted("CreateHyperParameterTuningJob", rendered(states["Tune"]["Arguments"], known))
    hyperparameters = training["HyperParameters"], trial["TrainingJobDefinition"]["StaticHyperParameters"]
    assert {its["recipe"] for its in hyperparameters} == {given.get("recipe", "notebook")}
    for request in (training, trial["TrainingJobDefinition"]):
        channels = {c["ChannelName"]: c["DataSource"]["S3DataSource"] for c in request["InputDataConfig"]}
        assert channels.keys() - {"uncounted"} == {"train", "valid", "weights"}
        assert ("uncounted" in channels) is read
        if read:
            # as the training split is
            assert channels["uncounted"] == channels["train"] | {"S3Uri": "s3://data/datasets/d/uncounted/"}
            assert channels["train"]["S3DataDistributionType"] == "ShardedByS3Key"


def test_debugging_can_be_chosen(states: States) -> None:
    def hyperparameters(debugging: dict[str, Any]) -> tuple[str, str]:
        found = rendered(states["Train"]["Arguments"]["HyperParameters"], variables({"debugging": debugging}))
        return found["debug-interval"], found["trace"]

    assert hyperparameters({"saveInterval": 7, "trace": True}) == ("7", "true")
    assert hyperparameters({"enabled": False, "trace": True}) == ("0", "false")


def test_only_models_are_asked_for_wrong_labels(states: States) -> None:
    known = variables({"training": {"labelNoiseFolds": 5}})
    assert rendered(states["Train"]["Arguments"]["HyperParameters"], known)["label-noise-folds"] == "5"
    trials = rendered(states["Tune"]["Arguments"], known)["TrainingJobDefinition"]["StaticHyperParameters"]
    assert trials["label-noise-folds"] == "0"


def test_the_better_of_the_compared_goes_on(states: States) -> None:
    known = variables(spent=[])
    results = [
        {"architecture": "resnet50", "validationAccuracy": 0.29, "trainingSeconds": 10, "billableSeconds": 3},
        {"architecture": "resnet101", "validationAccuracy": 0.34, "trainingSeconds": 20, "billableSeconds": 6},
    ]
    assigned = rendered(states["Compare"]["Assign"], known, result=results)
    assert assigned["training"] == results[1]
    assert assigned["chosen"] == known["run"]["candidates"][1]
    assert assigned["comparison"] == results
    assert assigned["spent"] == [
        {"trainingSeconds": 10, "billableSeconds": 3},
        {"trainingSeconds": 20, "billableSeconds": 6},
    ]


def test_what_training_became_is_kept_with_the_verdict_of_each_rule(states: States) -> None:
    spent = [{"trainingSeconds": 10, "billableSeconds": 3}]
    known = variables(ONE, spent=spent)
    assigned = rendered(states["Describe training"]["Assign"], known, result=answer())
    assert assigned["spent"] == [*spent, {"trainingSeconds": 200, "billableSeconds": 60}]
    rules = assigned["training"].pop("rules")
    assert assigned["training"] == {
        "architecture": "resnet50",
        "jobName": "a-job",
        "modelArtifact": "s3://data/models/a-job/output/model.tar.gz",
        "validationAccuracy": 0.31,
        "instanceType": "ml.g4dn.xlarge",
        "instanceCount": 1,
        "spot": True,
        "trainingSeconds": 200,
        "billableSeconds": 60,
        "savingsPercent": 70,
    }
    assert rules == dict.fromkeys(RULES, "NotEvaluated") | {
        "overfit": "IssuesFound",
        "vanishing_gradient": "NoIssuesFound",
        "low_cpu_utilization": "Error",
    }


def test_without_debugging_no_rule_was_evaluated(states: States) -> None:
    known = variables({"debugging": {"enabled": False}})
    assigned = rendered(states["Describe training"]["Assign"], known, result=answer())
    assert assigned["training"]["rules"] == dict.fromkeys(RULES, "NotEvaluated")


def test_each_rule_and_metric_is_read_from_the_log(states: States) -> None:
    definitions = states["Train"]["Arguments"]["AlgorithmSpecification"]["MetricDefinitions"]
    # The quota is 20, although the API takes 40.
    assert len(definitions) <= 20
    assert {d["Name"] for d in definitions} == {
        *("train:loss", "train:accuracy", "validation:loss", "validation:accuracy", "test:accuracy"),
        *(f"rule:{rule}" for rule in RULES),
    }


def test_the_cost_is_that_of_all_jobs(states: States) -> None:
    spent = [{"trainingSeconds": 10, "billableSeconds": 3}, {"trainingSeconds": 200, "billableSeconds": 60}]
    known = variables(spent=spent, evaluationSeconds=40, featuresSeconds=90)
    assert rendered(states["Summarise"]["Output"]["cost"], known) == {
        "trainingSeconds": 210,
        "billableSeconds": 63,
        "featuresSeconds": 90,
        "evaluationSeconds": 40,
    }
