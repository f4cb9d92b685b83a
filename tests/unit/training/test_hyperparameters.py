import pytest
from hypothesis import given
from hypothesis import strategies as st

from stocktake.failures import JobFailure
from stocktake.training.hyperparameters import HyperparameterParser, Hyperparameters


def parse(*arguments: str) -> Hyperparameters:
    return Hyperparameters.from_arguments(HyperparameterParser().parse_args(arguments))


def test_a_job_without_hyperparameters_follows_the_recipe_of_the_seed() -> None:
    assert parse() == Hyperparameters(
        "resnet50", "channel", "head", "cross-entropy", lr=0.0005, batch_size=128, epochs=5, labels=(1, 2, 3, 4, 5)
    )


@given(st.floats(1e-7, 10), st.integers(1, 4096), st.sampled_from(["{}", '"{}"', " {} "]))
def test_values_are_read_from_strings_quoted_or_not(lr: float, batch_size: int, quoting: str) -> None:
    parsed = parse("--lr", quoting.format(lr), "--batch-size", quoting.format(batch_size))
    assert (parsed.lr, parsed.batch_size) == (lr, batch_size)


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ('"true"', True), ("True", True), ("false", False), ("False", False)]
)
def test_a_switch_is_read_as_sagemaker_sends_it_and_as_the_toolkit_passes_it_on(text: str, value: bool) -> None:
    assert HyperparameterParser().parse_args(["--trace", text]).trace is value


def test_labels_are_the_counts_in_their_order() -> None:
    assert parse("--labels", '"0,2,7"').labels == (0, 2, 7)


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("architecture", "resnet9", "resnet18"),
        ("weights", "s3://bucket/file", "none, channel"),
        ("trainable", "tail", "head, layer4, all"),
        ("loss", "huber", "cross-entropy, ordinal"),
        ("debug-interval", "-1", "at least 0"),
        ("label-noise-folds", "1", "0 or a whole number from 2 to 10"),
        ("trace", "yes", "true, false"),
        ("lr", "0", "a number above 0"),
        ("lr", "nan", "a number above 0"),
        ("lr", "inf", "a number above 0"),
        ("batch-size", "0", "at least 1"),
        ("batch-size", "32.5", "whole number"),
        ("epochs", "many", "whole number"),
        ("image-size", "16", "from 32 to 1024"),
        ("seed", "-1", "from 0"),
        ("labels", "3", "different counts"),
        ("labels", "1,2,2", "different counts"),
        ("labels", "one,two", "different counts"),
    ],
)
def test_a_bad_value_is_named_with_what_is_allowed(name: str, value: str, allowed: str) -> None:
    with pytest.raises(JobFailure) as failure:
        parse(f"--{name}", value)
    assert all(part in str(failure.value) for part in (f"Hyperparameter {name}", repr(value), allowed))


def test_an_unknown_hyperparameter_is_refused() -> None:
    with pytest.raises(JobFailure, match="--learning-rate"):
        parse("--learning-rate", "0.1")
