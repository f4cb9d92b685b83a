"""The estimate before a run, against a bill of the same run with durations as the assumptions imply."""

import json
from typing import Any

import pytest
from cost_examples import execution, trained

import add_up_cost
import estimate_cost
from costs.endpoint import neighbours
from run import contract
from run.contract import InvalidInput

HEADLESS = {"trainable": "all", "tuning": {"enabled": False}}
CPU = HEADLESS | {
    "architectures": ["resnet18"],
    "dataset": {"fraction": 0.01},
    "training": {"instanceType": "ml.m5.xlarge", "spot": False},
}


def rounded(**splits: float) -> dict[str, dict[str, int]]:
    return {split: {"1": round(number)} for split, number in splits.items()}


def after_the_defaults() -> tuple[dict[str, Any], float]:
    """10,700 bins, 66% of them with 1 to 5 items: 7,062 photos; 6,356 train, 353 validate, 353 test."""
    # 13,418 passes at 600 and 350 photos a second, heads at 75,000; 180 seconds for each job's start
    features = [{"architecture": "resnet50", "seconds": 202}, {"architecture": "resnet101", "seconds": 218}]
    variables = execution(
        {},
        dataset={"counts": rounded(train=6356, valid=353, test=353)},
        extracted=features,
        comparison=[trained("resnet50", 180, 72), trained("resnet101", 180, 72)],
        tuning={"jobName": "t", "trials": 10, "trainingSeconds": 1813, "billableSeconds": 725},
        training=trained("resnet101", 181, 73, jobName="train"),
        # 706 photos at 19 a second
        evaluationSeconds=217,
    )
    # 420 s of 0.736, 942 s of 0.23 and 217 s of 0.242 USD an hour
    return variables, 0.0859 + 0.0602 + 0.0146


def after_fine_tuning() -> tuple[dict[str, Any], float]:
    """All bins train, at 160 pixels: 9,630 of 10,700 train in 6,356 + 3,274, 353 validate."""
    # three passes of 9,630 and one of 353 in each epoch, 1,200 photos a second at 224 pixels, so 2,352: 12.4 s an epoch
    given = {"recipe": "fine-tuning", "architectures": ["mobilenet_v2"]}
    variables = execution(
        given,
        dataset={"counts": rounded(train=6356, valid=353, test=353), "uncounted": 3274},
        extracted=[],
        comparison=None,
        # ten trials of six epochs
        tuning={"jobName": "t", "trials": 10, "trainingSeconds": 2546, "billableSeconds": 1018},
        training=trained("mobilenet_v2", 255, 102, instanceType="ml.g4dn.xlarge"),
        # 706 photos and their mirror images at 356 a second
        evaluationSeconds=184,
    )
    return variables, 1120 * 0.736 / 3600 + 0.0124


def after_a_cpu_without_spot() -> tuple[dict[str, Any], float]:
    """5,350 bins: 3,531 photos, of which 3,178 train and 177 validate."""
    # five epochs of 3 x 3,178 + 177 passes at 44 photos a second, and 180 s
    variables = execution(
        CPU,
        dataset={"counts": rounded(train=3178, valid=177, test=177)},
        extracted=[],
        comparison=None,
        tuning=None,
        training=trained("resnet18", 1273, 1273, spot=False),
        # 353 photos at 80 a second
        evaluationSeconds=184,
    )
    return variables, 1273 * 0.23 / 3600 + 0.0124


@pytest.mark.usefixtures("price_list")
@pytest.mark.parametrize(
    ("given", "after"),
    [
        ({}, after_the_defaults),
        ({"recipe": "fine-tuning", "architectures": ["mobilenet_v2"]}, after_fine_tuning),
        (CPU, after_a_cpu_without_spot),
    ],
)
def test_the_estimate_is_near_the_cost_afterwards(given: dict[str, Any], after: Any, price_list: Any) -> None:
    price_list("AccessDeniedException", "AccessDeniedException")
    # given a run with durations by hand
    variables, jobs_by_hand = after()
    # when it is billed, and estimated from its input alone
    cost = add_up_cost.handler(variables, None)
    estimated = estimate_cost.handler(given, None)
    # then the bill's jobs are the hand's, and the estimate is within 25% of the bill, with spot and without
    billed = sum(line["usd"] for line in cost["lines"] if not line["estimated"])
    assert billed == pytest.approx(jobs_by_hand, rel=0.01)
    assert estimated["usd"] == pytest.approx(cost["usd"], rel=0.25)
    assert estimated["onDemandUsd"] == pytest.approx(cost["onDemandUsd"], rel=0.25)
    # and nearer, as the durations are those of the assumptions
    assert estimated["usd"] == pytest.approx(cost["usd"], rel=0.02)
    assert [line["what"] for line in estimated["lines"]] == [line["what"] for line in cost["lines"]]


@pytest.mark.usefixtures("no_price_list")
def test_the_answer_has_the_complete_input_the_lines_and_what_is_assumed() -> None:
    found = estimate_cost.handler({"dataset": {"fraction": 0.01}}, None)
    assert found["input"] == contract.complete({"dataset": {"fraction": 0.01}}).to_json()
    for line in found["lines"]:
        assert line.keys() >= {"what", "instanceType", "seconds", "usd", "spot"}
    assert found["usd"] < found["onDemandUsd"]
    assert any("535,000 bins; the fraction taken is 0.01" in sentence for sentence in found["assumptions"])
    assert found["prices"].startswith("table of ")
    assert found["endpoint"]["instanceType"] == "ml.m7i.large"
    assert "serverless" in found["endpoint"]["serverless"]
    assert len(json.dumps(found)) < 20_000


@pytest.mark.usefixtures("no_price_list")
def test_both_prices_of_heads_are_told() -> None:
    found = estimate_cost.handler({}, None)
    head = found["headInstance"]
    assert (head["instanceType"], head["without"]["instanceType"]) == ("ml.m5.xlarge", "ml.g4dn.xlarge")
    assert head["usd"] == found["usd"]
    # 942 billed seconds of training, of 0.23 or of 0.736 USD an hour
    assert head["without"]["usd"] - head["usd"] == pytest.approx(942 * (0.736 - 0.23) / 3600, rel=0.02)
    assert any("on ml.g4dn.xlarge it would be 0.34 USD" in sentence for sentence in found["assumptions"])


@pytest.mark.usefixtures("no_price_list")
def test_heads_that_look_for_wrong_labels_are_counted_but_not_of_trials() -> None:
    def seconds(**training: object) -> dict[str, float]:
        given = {"dataset": {"fraction": 1}, "training": training}
        lines = estimate_cost.handler(given, None)["lines"]
        return {line["what"]: line["seconds"] for line in lines if line["seconds"] is not None}

    # given 318,000 training photos, 5 epochs of the comparison and 15 of a trial, at 75,000 a second
    before, after = seconds(), seconds(labelNoiseFolds=10)
    more = {what: after[what] - before[what] for what in after}
    assert more["Train"] == pytest.approx(10 * 15 * 318_000 / 75_000, rel=0.02)
    assert more["Compare: resnet50"] == pytest.approx(10 * 5 * 318_000 / 75_000, rel=0.02)
    assert more["Tune"] == 0


@pytest.mark.usefixtures("no_price_list")
def test_where_more_than_a_head_learns_there_is_one_price() -> None:
    assert estimate_cost.handler(HEADLESS, None)["headInstance"] is None


@pytest.mark.usefixtures("no_price_list")
def test_serving_a_package_is_estimated_at_nearly_nothing() -> None:
    found = estimate_cost.handler({"release": {"package": "previous"}}, None)
    assert 0 < found["usd"] < 0.01
    assert found["headInstance"] is None


@pytest.mark.usefixtures("price_list")
def test_an_invalid_input_is_refused_as_plan_refuses_it() -> None:
    with pytest.raises(InvalidInput, match=r"^dataset\.fraction: 3 was given"):
        estimate_cost.handler({"dataset": {"fraction": 3}}, None)
    with pytest.raises(InvalidInput, match=r"sourceBuckets"):
        estimate_cost.handler({"dataset": {"source": "s3://elsewhere"}}, None)


def test_the_next_sizes_of_a_family() -> None:
    assert neighbours("ml.m7i.large") == ["ml.m7i.xlarge"]
    assert neighbours("ml.c7i.xlarge") == ["ml.c7i.large", "ml.c7i.2xlarge"]
    assert neighbours("ml.new.large") == []
