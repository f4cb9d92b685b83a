"""The rule of a release, as a function of what was measured."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stocktake.evaluation.decision import Rule, decide

METRICS = {"accuracy": 0.4, "majorityAccuracy": 0.3, "recall": {"1": 0.5, "2": 0.1, "3": 0.05, "4": None}}
DEFAULT = Rule(minimum_accuracy=0.3, above_majority=True, margin=0, minimum_recall=0)
ALL_OFF = Rule(minimum_accuracy=0, above_majority=False, margin=1, minimum_recall=0)
UNKNOWN = {"comparable": False, "reason": "it tells the counts 1 to 5 apart, and this model 1 to 3"}


def champion(challenger: int, champion: int, images: int = 100) -> dict[str, Any]:
    """The comparison of two models that count so many of the images exactly."""
    return {
        "comparable": True,
        "images": images,
        "challenger": {"accuracy": challenger / images},
        "champion": {"accuracy": champion / images},
        "difference": {"accuracy": {"estimate": challenger / images - champion / images, "interval": [-0.2, 0.1]}},
    }


def ruled(metrics: dict[str, Any] | None = None, against: dict[str, Any] | None = None, **rule: Any) -> dict[str, Any]:
    """The decision with all checks switched off but those given."""
    return decide(Rule(**vars(ALL_OFF) | rule), METRICS | (metrics or {}), against)


def test_a_first_model_needs_no_champion() -> None:
    decision = decide(DEFAULT, METRICS, None)
    assert decision["accepted"]
    assert [check["rule"] for check in decision["checks"]] == ["minimumAccuracy", "aboveMajority"]
    assert decision["reason"] == (
        "accuracy 0.4000 on the test split is at least release.minimumAccuracy 0.3; accuracy 0.4000 is above 0.3000, "
        "what always giving the most frequent count reaches (release.aboveMajority)"
    )


@pytest.mark.parametrize(
    ("accuracy", "rule", "accepted", "told"),
    [
        (0.4, {"minimum_accuracy": 0.4}, True, "is at least release.minimumAccuracy 0.4"),
        (
            0.4,
            {"minimum_accuracy": 0.41},
            False,
            "accuracy 0.4000 on the test split is below release.minimumAccuracy 0.41",
        ),
        (0.31, {"above_majority": True}, True, "accuracy 0.3100 is above 0.3000"),
        # always the same answer, the most frequent one
        (0.3, {"above_majority": True}, False, "accuracy 0.3000 is not above 0.3000"),
        (0.3, {"above_majority": False}, True, ""),
    ],
)
def test_limits_of_the_accuracy(accuracy: float, rule: dict[str, Any], accepted: bool, told: str) -> None:
    decision = ruled({"accuracy": accuracy}, **rule)
    assert decision["accepted"] is accepted
    assert told in decision["reason"]


def test_counts_below_the_recall_floor_are_named_and_those_without_images_are_not_judged() -> None:
    decision = ruled(minimum_recall=0.2)
    assert not decision["accepted"]
    assert decision["reason"] == "the recall 0.1000 of count 2, 0.0500 of count 3 is below release.minimumRecall 0.2"
    assert ruled(minimum_recall=0.05)["accepted"]
    assert "the recall 0.0500 of count 3 is at least" in ruled(minimum_recall=0.05)["reason"]
    # 0 is no floor, and nothing is said of it
    assert "recall" not in ruled()["reason"]


@pytest.mark.parametrize(
    ("challenger", "champion_", "margin", "accepted"),
    [(40, 40, 0, True), (41, 40, 0, True), (39, 40, 0, False), (37, 40, 0.03, True), (36, 40, 0.03, False)],
)
def test_the_champion_gives_way_to_its_equal(challenger: int, champion_: int, margin: float, accepted: bool) -> None:
    decision = ruled(against=champion(challenger, champion_), margin=margin)
    assert decision["accepted"] is accepted


def test_a_worse_models_reason_has_the_paired_figures() -> None:
    assert decide(DEFAULT, METRICS, champion(30, 40))["reason"] == (
        "accuracy 0.3000 against the champion's 0.4000 on 100 test images, a difference of -0.1000 "
        "(95% interval -0.2000 to +0.1000), is lower by more than release.margin 0"
    )


@pytest.mark.parametrize(("margin", "accepted"), [(0, False), (0.99, False), (1, True)])
def test_a_champion_that_cannot_be_compared_with_gives_way_only_where_any_would(margin: float, accepted: bool) -> None:
    decision = ruled(against=UNKNOWN, margin=margin)
    assert decision["accepted"] is accepted
    assert (
        "the champion cannot be compared with: it tells the counts 1 to 5 apart, and this model 1 to 3; "
        in (decision["reason"])
    )
    assert ("release.margin 1 takes a model without a comparison" in decision["reason"]) is not accepted


def test_every_failed_check_is_in_the_reason_and_no_other() -> None:
    strict = Rule(minimum_accuracy=0.9, above_majority=True, margin=0, minimum_recall=0.3)
    decision = decide(strict, METRICS, champion(30, 40))
    assert [check["rule"] for check in decision["checks"] if not check["passed"]] == [
        *("minimumAccuracy", "minimumRecall", "margin")
    ]
    assert "aboveMajority" not in decision["reason"]
    assert decision["reason"].count("; ") == 2


shares = st.integers(0, 100).map(lambda percent: percent / 100)


@given(shares, shares, shares, st.booleans(), shares, st.integers(0, 100), st.integers(0, 100))
def test_a_better_model_is_never_rejected_where_a_worse_one_is_accepted(
    accuracy: float, minimum: float, margin: float, above: bool, floor: float, ours: int, theirs: int
) -> None:
    rule = Rule(minimum, above, margin, floor)
    recall = {"1": accuracy, "2": None}
    decision = decide(rule, METRICS | {"accuracy": accuracy, "recall": recall}, champion(ours, theirs))
    better = METRICS | {"accuracy": min(1, accuracy + 0.1), "recall": {"1": min(1, accuracy + 0.1), "2": None}}
    assert decide(rule, better, champion(min(100, ours + 10), theirs))["accepted"] >= decision["accepted"]
    # what is decided is what the machine reads: JSON, and the same again
    assert (
        json.loads(json.dumps(decision))
        == decision
        == decide(rule, METRICS | {"accuracy": accuracy, "recall": recall}, champion(ours, theirs))
    )
    assert decision["accepted"] == all(check["passed"] for check in decision["checks"])
    assert decision["reason"]


def test_the_rule_is_read_as_the_input_names_it() -> None:
    text = '{"minimumAccuracy": 0.3, "aboveMajority": true, "margin": 0, "minimumRecall": 0.1, "approval": "manual"}'
    assert Rule.read(text) == Rule(0.3, True, 0, 0.1)
