"""A recipe is a preset of the input: which value wins, and what a recipe refuses."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from run import contract
from run.contract import ExecutionInput, InvalidInput
from run.recipes import PRESETS

FINE_TUNING = {"recipe": "fine-tuning"}


def complete(given_: dict[str, Any], defaults: dict[str, Any] | None = None) -> dict[str, Any]:
    return contract.complete(given_, defaults).to_json()


def test_the_default_is_the_notebooks_recipe_and_changes_nothing() -> None:
    assert complete({})["recipe"] == "notebook"
    assert complete({"recipe": "notebook"}) == complete({})
    assert complete({})["dataset"]["uncounted"] is False


def test_fine_tuning_trains_the_whole_network_and_learns_from_every_bin() -> None:
    made = complete(FINE_TUNING)
    assert (made["trainable"], made["loss"], made["dataset"]["uncounted"]) == ("all", "cross-entropy", True)
    # What it does not say is as without it.
    plain = complete({})
    assert made["tuning"]["maxJobs"] == plain["tuning"]["maxJobs"]
    assert made["dataset"] == plain["dataset"] | PRESETS["fine-tuning"]["dataset"]
    assert {name: value for name, value in made.items() if name not in {"recipe", *PRESETS["fine-tuning"]}} == {
        name: value for name, value in plain.items() if name not in {"recipe", *PRESETS["fine-tuning"]}
    }


def test_every_recipe_has_a_preset() -> None:
    assert get_args(ExecutionInput.model_fields["recipe"].annotation) == tuple(PRESETS)


@pytest.mark.parametrize("recipe", PRESETS)
def test_every_preset_is_a_valid_input_and_a_fixed_point(recipe: str) -> None:
    made = complete({"recipe": recipe})
    assert complete(made) == complete(made, {"recipe": "notebook"}) == complete(made, FINE_TUNING) == made


EPOCHS = {"hyperparameters": {"epochs": 9}}


@pytest.mark.parametrize(
    ("defaults", "given_", "learning_rate", "epochs"),
    [
        # The caller's own values win over each recipe.
        ({}, FINE_TUNING | EPOCHS, 0.001, 9),
        (FINE_TUNING, EPOCHS, 0.001, 9),
        # Of a deployment that chose the recipe, its values win over the preset, and so when the caller repeats it.
        (FINE_TUNING | EPOCHS, {}, 0.001, 9),
        (FINE_TUNING | EPOCHS, FINE_TUNING, 0.001, 9),
        # Of one that did not, they are for another recipe.
        (EPOCHS, {}, 0.0005, 9),
        (EPOCHS, FINE_TUNING, 0.001, 6),
        ({"recipe": "notebook"} | EPOCHS, FINE_TUNING, 0.001, 6),
        # The other way, the notebook's preset is empty: what the deployment says stays, its recipe's preset goes.
        (FINE_TUNING, {"recipe": "notebook"}, 0.0005, 5),
        (FINE_TUNING | EPOCHS, {"recipe": "notebook"}, 0.0005, 9),
    ],
)
def test_a_preset_stands_right_below_whoever_chose_the_recipe(
    defaults: dict[str, Any], given_: dict[str, Any], learning_rate: float, epochs: int
) -> None:
    assert complete(given_, defaults)["hyperparameters"] == {
        "learningRate": learning_rate,
        "batchSize": 64 if learning_rate == 0.001 else 128,
        "epochs": epochs,
    }


def test_the_bins_that_either_chooses_stay_chosen() -> None:
    made = complete(FINE_TUNING | {"dataset": {"fraction": 0.5}}, {"dataset": {"files": "s3://bucket/l.json"}})
    assert (made["dataset"]["fraction"], made["dataset"]["files"], made["dataset"]["imageSize"]) == (0.5, None, 160)


REFUSED = (
    'trainable: "head" was given; must be "all" or "layer4" with the recipe "fine-tuning", which would train one '
    'linear layer; or recipe must be "notebook"'
)


@pytest.mark.parametrize(
    ("defaults", "given_"),
    [
        ({}, FINE_TUNING | {"trainable": "head"}),
        (FINE_TUNING, {"trainable": "head"}),
        (FINE_TUNING | {"trainable": "head"}, {}),
    ],
)
def test_a_head_alone_is_not_fine_tuned(defaults: dict[str, Any], given_: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as raised:
        complete(given_, defaults)
    assert str(raised.value) == REFUSED


def test_a_head_that_the_deployment_wants_of_its_own_recipe_gives_way() -> None:
    assert complete(FINE_TUNING, {"trainable": "head"})["trainable"] == "all"
    assert complete(FINE_TUNING | {"trainable": "layer4"})["trainable"] == "layer4"


def test_a_contradiction_is_told_beside_other_faults() -> None:
    with pytest.raises(InvalidInput) as raised:
        complete(FINE_TUNING | {"trainable": "head", "seed": -1})
    assert [line.partition(":")[0] for line in str(raised.value).splitlines()] == ["trainable", "seed"]


@pytest.mark.parametrize("architecture", ["resnet50", "resnet101", "resnet152", "mobilenet_v2"])
def test_the_second_edition_of_weights_can_be_chosen(architecture: str) -> None:
    assert complete({"weights": "imagenet-v2", "architectures": [architecture]})["weights"] == "imagenet-v2"


def test_architectures_without_a_second_edition_are_named() -> None:
    with pytest.raises(InvalidInput) as raised:
        complete({"weights": "imagenet-v2", "architectures": ["resnet18", "resnet50", "resnet34"]})
    assert str(raised.value) == (
        'weights: "imagenet-v2" was given; must be "imagenet" for resnet18 and resnet34, whose weights have one '
        "edition; or architectures must be of resnet50, resnet101, resnet152, mobilenet_v2"
    )


@given(st.sampled_from([{}, FINE_TUNING, EPOCHS]), st.recursive(st.none() | st.integers(), st.lists, max_leaves=3))
def test_a_recipe_that_is_none_is_one_sentence(defaults: dict[str, Any], recipe: object) -> None:
    with pytest.raises(InvalidInput) as raised:
        complete({"recipe": recipe}, defaults)
    assert str(raised.value).endswith('must be "notebook" or "fine-tuning"')
    assert "\n" not in str(raised.value)
