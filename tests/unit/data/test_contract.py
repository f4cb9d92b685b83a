import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from run import contract
from run.contract import ExecutionInput, InvalidInput

README = Path(__file__).resolve().parents[3] / "README.md"


def nested(path: str, value: object) -> dict[str, Any]:
    for step in reversed(path.split(".")):
        value = {step: value}
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize("given_", [{}, None])
def test_every_field_has_a_default(given_: object) -> None:
    complete = contract.complete(given_).to_json()
    assert complete["dataset"]["source"] == "s3://aft-vbi-pds"
    assert complete["dataset"]["split"] == {"train": 0.9, "valid": 0.05, "test": 0.05, "by": "group"}
    assert complete["tuning"]["enabled"] is True
    assert complete["tuning"]["ranges"]["learningRate"] == [1e-5, 1e-2]
    assert complete["tuning"]["completion"] == {
        "targetObjective": None,
        "jobsNotImproving": None,
        "onConvergence": False,
    }
    assert complete["debugging"] == {"enabled": True, "saveInterval": 50, "trace": False}
    assert complete["release"] == {
        "minimumAccuracy": 0.3,
        "aboveMajority": True,
        "margin": 0,
        "minimumRecall": 0,
        "approval": "automatic",
        "approvalSeconds": 7 * 24 * 3600,
        "package": None,
    }


def test_what_is_given_wins_over_the_deployment_and_that_over_the_rest() -> None:
    complete = contract.complete(
        {"dataset": {"fraction": 0.5}},
        {"dataset": {"fraction": 0.1, "imageSize": 64}, "architectures": ["resnet18"]},
    )
    assert complete.dataset.fraction == 0.5
    assert complete.dataset.image_size == 64
    assert complete.architectures == ["resnet18"]
    assert complete.dataset.max_count == 5


def test_what_the_caller_says_about_bins_takes_the_place_of_what_the_deployment_says() -> None:
    files = {"dataset": {"files": "s3://bucket/lists/a.json"}}

    def chosen(given_: dict[str, Any], defaults: dict[str, Any]) -> tuple[float | None, str | None]:
        complete = contract.complete(given_, defaults).dataset
        return complete.fraction, complete.files

    assert chosen({}, {}) == (0.02, None)
    assert chosen(files, {}) == (None, "s3://bucket/lists/a.json")
    assert chosen(files, {"dataset": {"fraction": 0.5}}) == (None, "s3://bucket/lists/a.json")
    assert chosen({"dataset": {"fraction": 0.5}}, files) == (0.5, None)
    assert chosen({"dataset": {"imageSize": 64, "files": None}}, {"dataset": {"fraction": 0.5}}) == (0.5, None)
    assert chosen({"dataset": {"imageSize": 64}}, files) == (None, "s3://bucket/lists/a.json")


@pytest.mark.parametrize("dataset", [{"maxCount": 4}, {"files": "s3://bucket/lists/a.json"}, {"fraction": None}])
def test_a_complete_dataset_is_a_fixed_point(dataset: dict[str, Any]) -> None:
    complete = contract.complete({"dataset": dataset}).to_json()
    assert contract.complete(json.loads(json.dumps(complete)), {"dataset": {"fraction": 1}}).to_json() == complete


def test_the_readme_shows_every_field_with_its_default() -> None:
    [shown] = re.findall(r"^```json\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)
    assert json.loads(shown) == contract.complete({}).to_json()


def test_a_complete_input_is_a_fixed_point() -> None:
    complete = contract.complete({"dataset": {"maxCount": 4}}).to_json()
    assert contract.complete(json.loads(json.dumps(complete))).to_json() == complete


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("dataset.fraction", 0, "must be a number greater than 0 and at most 1"),
        ("dataset.fraction", 1.01, "must be a number greater than 0 and at most 1"),
        ("dataset.fraction", "0.02", "must be a number"),
        ("dataset.fraction", True, "must be a number"),
        ("dataset.fraction", float("nan"), "must be a number"),
        ("dataset.minCount", -1, "must be an integer from 0"),
        ("dataset.maxCount", 5.5, "must be an integer"),
        ("dataset.imageSize", 1, "must be an integer from 32"),
        ("dataset.source", "aft-vbi-pds", "must be an S3 URI such as s3://aft-vbi-pds"),
        ("dataset.split.by", "bin", '"group"'),
        ("dataset.split.test", 0, "between 0 and 1"),
        ("dataset.maximumRejects", 1, "from 0 to below 1"),
        ("dataset.files", "file_list.json", "null or the S3 URI of a JSON file"),
        ("dataset.files", "s3://bucket", "null or the S3 URI of a JSON file"),
        ("dataset.files", "s3://bucket/lists/", "null or the S3 URI of a JSON file"),
        ("dataset.files", ["00001"], "null or the S3 URI of a JSON file"),
        ("dataset.leaveOut", ["00001"], "null or the S3 URI of a JSON file"),
        ("dataset.wrongLabels", True, '"keep" or "reject"'),
        ("dataset", None, "must be a JSON object"),
        ("dataset.uncounted", "yes", "true or false (photos with other counts, for training only)"),
        ("recipe", "best", '"notebook" or "fine-tuning"'),
        ("recipe", None, '"notebook" or "fine-tuning"'),
        ("recipe", ["fine-tuning"], '"notebook" or "fine-tuning"'),
        ("architectures", ["vgg16"], "resnet18, resnet34, resnet50, resnet101, resnet152, mobilenet_v2"),
        ("architectures", [], "one or more"),
        ("architectures", ["resnet18", "resnet18"], "none twice"),
        ("architectures", "resnet18", "a list"),
        ("weights", "s3://bucket", "must be"),
        ("weights", "imagenet-v3", '"imagenet", "imagenet-v2", "none"'),
        ("trainable", "none", '"head", "layer4" or "all"'),
        ("hyperparameters.batchSize", 0, "must be an integer from 1"),
        ("hyperparameters.batchSize", True, "must be an integer"),
        ("hyperparameters.learningRate", -0.1, "must be a number greater than 0"),
        ("hyperparameters.epochs", "5", "must be an integer from 1"),
        ("tuning.parallelJobs", 11, "from 1 to 10"),
        ("loss", "mse", '"cross-entropy" or "ordinal"'),
        ("tuning.strategy", "bayesian", '"Bayesian", "Random"'),
        # SageMaker's grid search takes categorical ranges only.
        ("tuning.strategy", "Grid", '"Bayesian", "Random"'),
        ("tuning.earlyStopping", True, '"Off" or "Auto"'),
        ("tuning.completion", None, "must be a JSON object"),
        ("tuning.completion.targetObjective", 31, "null or a number from 0 to 1"),
        ("tuning.completion.targetObjective", "0.3", "null or a number"),
        ("tuning.completion.jobsNotImproving", 2, "null or an integer of at least 3"),
        ("tuning.completion.onConvergence", None, "true or false"),
        ("tuning.ranges.learningRate", [1e-2, 1e-5], "ascending"),
        ("tuning.ranges.learningRate", [0, 1e-2], "greater than 0"),
        ("tuning.ranges.epochs", [10], "[lowest, highest]"),
        ("tuning.ranges.batchSize", [32, 32], "different"),
        ("training.instanceType", "g4dn.xlarge", "ml.g4dn.xlarge"),
        ("training.instanceCount", 0, "from 1"),
        ("training.labelNoiseFolds", 1, "an integer from 2 to 10"),
        ("training.spot", 1, "true or false"),
        ("debugging.enabled", "no", "true or false"),
        ("debugging.saveInterval", 0, "from 1 to 100000"),
        ("debugging.trace", 1, "true or false"),
        ("release.minimumAccuracy", 30, "from 0 to 1"),
        ("release.aboveMajority", 1, "true or false (more right than by always giving the most frequent count)"),
        ("release.margin", -0.01, "from 0 to 1: how much lower than the champion's the accuracy may be"),
        ("release.margin", None, "from 0 to 1"),
        ("release.minimumRecall", 1.1, "from 0 to 1 that the recall of each count must reach"),
        ("release.approval", "auto", '"automatic" or "manual"'),
        ("release.approvalSeconds", 2_592_001, "30 days"),
        ("release.package", "stocktake/3", '"previous" or the ARN of a model package'),
        ("seed", -1, "from 0"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(path: str, value: object, told: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        contract.complete(nested(path, value))
    sentence = str(raised.value)
    assert sentence.startswith(f"{path}: {json.dumps(value)} was given; must be ")
    assert told in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("given_", "field", "told"),
    [
        ({"dataset": {"split": {"train": 0.9, "valid": 0.1, "test": 0.1}}}, "dataset.split", "sum to 1.1"),
        ({"dataset": {"minCount": 6}}, "dataset", "they are 6 and 5"),
        ({"dataset": {"minCount": 5}}, "dataset", "one class leaves nothing to learn"),
        ({"dataset": {"files": "s3://bucket/l.json", "fraction": 0.02}}, "dataset", "with fraction or files, not both"),
        ({"dataset": {"maxCount": 653}}, "dataset", "at most 100 counts from its minCount to its maxCount"),
        ({"dataset": {"minCount": 0, "maxCount": 100}}, "dataset", "0 to 100 are 101"),
        ({"training": {"maxRunSeconds": 20000}}, "training", "they are 14400 and 20000"),
        ({"training": {"labelNoiseFolds": 5, "sharded": True}}, "training", "whose sharded is false"),
        (
            {"trainable": "all", "training": {"labelNoiseFolds": 5}},
            "training",
            'null where trainable is "all", which would cost 5 whole trainings more; or trainable must be "head"',
        ),
        ({"recipe": "fine-tuning", "training": {"labelNoiseFolds": 2}}, "training", "labelNoiseFolds is null"),
        ({"tuning": {"maxJobs": 1}}, "tuning", "they are 2 and 1"),
        ({"tuning": {"strategy": "Hyperband", "earlyStopping": "Auto"}}, "tuning", 'earlyStopping is "Off"'),
    ],
)
def test_fields_that_contradict_each_other_are_named(given_: dict[str, Any], field: str, told: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        contract.complete(given_)
    assert str(raised.value).startswith(f"{field}: ")
    assert told in str(raised.value)


def test_a_hundred_counts_can_be_told_apart() -> None:
    assert contract.complete({"dataset": {"minCount": 901, "maxCount": 1000}}).dataset.labels[99] == 1000


def test_of_many_faults_the_first_twenty_and_a_count_are_told() -> None:
    """Given an input with more faults than a failed execution's cause has room for."""
    with pytest.raises(InvalidInput) as raised:
        contract.complete({f"field{number}": 1 for number in range(1000)})
    sentences = str(raised.value).splitlines()
    assert sentences[0].startswith("field0: unknown field")
    assert (len(sentences), sentences[-1]) == (21, "and 980 faults more")


def test_without_spot_nobody_waits() -> None:
    assert contract.complete({"training": {"spot": False, "maxRunSeconds": 20000}})


def test_an_unknown_field_is_named_with_the_one_that_was_meant() -> None:
    with pytest.raises(InvalidInput, match=r"dataset\.fractoin: unknown field; did you mean fraction\? allowed here: "):
        contract.complete({"dataset": {"fractoin": 0.1}})
    with pytest.raises(InvalidInput, match=r"min_count: unknown field; did you mean minCount\?"):
        contract.complete({"dataset": {"min_count": 1}})


@pytest.mark.parametrize("comment", ["Insert your JSON here", None, {"why": "a try"}, 3])
def test_what_the_console_and_step_functions_add_is_ignored(comment: object) -> None:
    caller = "arn:aws:states:us-east-1:123456789012:execution:nightly:1"
    added = {"Comment": comment, "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": caller}
    assert contract.complete(added | {"seed": 3}) == contract.complete({"seed": 3})
    # Only at the top, where they put it.
    with pytest.raises(InvalidInput, match=r"dataset\.Comment: unknown field"):
        contract.complete({"dataset": {"Comment": comment}})


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(InvalidInput) as raised:
        contract.complete({"dataset": {"fraction": 0}, "hyperparameters": {"batchSize": 0}, "extra": 1})
    told = [line.partition(":")[0] for line in str(raised.value).splitlines()]
    assert sorted(told) == ["dataset.fraction", "extra", "hyperparameters.batchSize"]


@pytest.mark.parametrize("given_", [[], "x", 3, True])
def test_the_input_is_an_object(given_: object) -> None:
    with pytest.raises(InvalidInput, match="must be a JSON object"):
        contract.complete(given_)


@pytest.mark.parametrize("depth", [10, 100, 300, 900, 950, 980, 990])
def test_deep_input_is_refused_with_a_sentence(depth: int) -> None:
    lists: list[Any] = []
    objects: dict[str, Any] = {}
    for _ in range(depth):
        lists, objects = [lists], {"dataset": objects}
    for value in (lists, objects, {"seed": lists}, {"dataset": {"split": objects}}):
        with pytest.raises(InvalidInput):
            contract.complete(value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *(str(field.alias) for field in ExecutionInput.model_fields.values()),
                    *(str(field.alias) for field in contract.Dataset.model_fields.values()),
                    *(str(field.alias) for field in contract.Split.model_fields.values()),
                    *(str(field.alias) for field in contract.Tuning.model_fields.values()),
                    *(str(field.alias) for field in contract.Completion.model_fields.values()),
                    *(str(field.alias) for field in contract.Debugging.model_fields.values()),
                ]
            )
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json_values)
def test_any_json_is_a_complete_input_or_a_named_error(value: object) -> None:
    try:
        complete = contract.complete(value)
    except InvalidInput as error:
        told = str(error).splitlines()
    else:
        assert contract.complete(complete.to_json()) == complete
        return
    assert all(": " in line for line in told)


completions = st.fixed_dictionaries(
    {},
    optional={
        "targetObjective": st.none() | st.floats(0, 1),
        "jobsNotImproving": st.none() | st.integers(3, 1000),
        "onConvergence": st.booleans(),
    },
)


@given(
    st.sampled_from(["Bayesian", "Random", "Hyperband"]),
    st.sampled_from(["Off", "Auto"]),
    completions,
    st.integers(1, 100_000),
)
def test_every_search_that_sagemaker_knows_is_taken_as_given(
    strategy: str, early_stopping: str, completion: dict[str, Any], save_interval: int
) -> None:
    asked = {"strategy": strategy, "earlyStopping": early_stopping, "completion": completion}
    given_ = {"tuning": asked, "debugging": {"saveInterval": save_interval}}
    if (strategy, early_stopping) == ("Hyperband", "Auto"):
        with pytest.raises(InvalidInput, match=r"^tuning: "):
            contract.complete(given_)
        return
    complete = contract.complete(given_).to_json()
    assert complete["tuning"].items() >= {"strategy": strategy, "earlyStopping": early_stopping}.items()
    assert complete["tuning"]["completion"].items() >= completion.items()
    assert complete["debugging"]["saveInterval"] == save_interval
