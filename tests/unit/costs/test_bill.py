"""What an execution was billed, recomputed by hand from the table's prices of us-east-1."""

from collections.abc import Callable

import pytest
from botocore.stub import Stubber
from cost_examples import execution, trained

import add_up_cost
from run import contract


@pytest.mark.usefixtures("no_price_list")
def test_each_job_has_its_price_and_what_it_would_be_without_spot() -> None:
    cost = add_up_cost.handler(execution(), None)
    # 0.736 USD an hour for features, 0.23 for training, 0.242 for the evaluation
    expected = {
        "Extract features: resnet50": (0.0736, 0.0736),
        "Extract features: resnet101": (0.1472, 0.1472),
        "Compare: resnet50": (0.003833, 0.012778),
        "Compare: resnet101": (0.00575, 0.019167),
        "Tune": (0.046, 0.115),
        "Train": (0.006389, 0.015972),
        "Evaluate": (0.020167, 0.020167),
    }
    jobs = {line["what"]: (line["usd"], line["onDemandUsd"]) for line in cost["lines"] if not line["estimated"]}
    assert jobs == expected
    tune = next(line for line in cost["lines"] if line["what"] == "Tune")
    assert tune.items() >= {
        ("jobs", 10),
        ("instanceType", "ml.m5.xlarge"),
        ("instanceCount", 1),
        ("seconds", 1800),
        ("billableSeconds", 720),
        ("spot", True),
    }
    # 7,000 photos in 14 items of maps: 24 calls, 1,750 GB-seconds; 142 transitions; 342 writes, 1,140 reads, 0.525 GB
    services = {line["what"].split()[0]: line["usd"] for line in cost["lines"] if line["estimated"]}
    assert services == {"Lambda": 0.029172, "Step": 0.00355, "S3": 0.014241}
    assert (cost["usd"], cost["onDemandUsd"]) == (0.3499, 0.4508)
    assert (cost["savedUsd"], cost["savingsPercent"]) == (0.1009, 22.4)
    assert (cost["currency"], cost["unknown"]) == ("USD", [])
    assert cost["prices"].startswith("table of ")
    # 730 hours of 0.121 and 0.242 USD
    assert cost["endpoint"]["usdPerMonth"] == 88.33
    assert cost["endpoint"]["alternatives"] == [{"instanceType": "ml.m7i.xlarge", "usdPerMonth": 176.66}]


@pytest.mark.usefixtures("no_price_list")
def test_a_model_of_the_comparison_is_not_billed_twice() -> None:
    compared = trained("resnet50", 200, 60, instanceCount=3)
    cost = add_up_cost.handler(execution(comparison=[compared], training=compared, tuning=None, extracted=[]), None)
    jobs = {line["what"]: line["usd"] for line in cost["lines"] if not line["estimated"]}
    # three instances of 0.23 USD an hour for a minute
    assert jobs == {"Compare: resnet50": 0.0115, "Evaluate": 0.020167}


@pytest.mark.usefixtures("no_price_list")
def test_a_promotion_costs_nearly_nothing() -> None:
    nothing = {"dataset": None, "comparison": None, "tuning": None, "training": None, "evaluationSeconds": 0}
    run = {"input": contract.complete({"release": {"package": "previous"}}).to_json()}
    cost = add_up_cost.handler(execution(run=run, extracted=[], **nothing), None)
    assert {line["what"].split()[0] for line in cost["lines"]} == {"Lambda", "Step", "S3"}
    assert 0 < cost["usd"] < 0.01


@pytest.mark.usefixtures("no_price_list")
def test_a_dataset_that_was_there_is_not_packed_again() -> None:
    variables = execution()
    variables["run"]["dataset"]["ready"] = True
    cost = add_up_cost.handler(variables, None)
    assert next(line["usd"] for line in cost["lines"] if line["what"] == "Lambda") < 0.0001


def test_without_a_price_there_is_no_sum_and_the_type_is_told(
    price_list: Callable[..., Stubber], monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a region that the table does not have, and no live prices
    price_list("AccessDeniedException")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    cost = add_up_cost.handler(execution(extracted=[]), None)
    assert (cost["usd"], cost["onDemandUsd"], cost["savedUsd"], cost["savingsPercent"]) == (None, None, None, None)
    assert cost["unknown"] == ["ml.m5.xlarge for training", "ml.m7i.xlarge for processing"]
    assert all(line["usd"] is None for line in cost["lines"] if not line["estimated"])
    assert cost["endpoint"]["usdPerMonth"] is None


@pytest.mark.usefixtures("no_price_list")
def test_an_execution_that_failed_is_billed_what_ran_before() -> None:
    # given one whose training failed after the search
    failure = {"state": "Train", "error": "NoResult", "cause": "it was stopped"}
    whole = add_up_cost.handler(execution(), None)
    cost = add_up_cost.handler(execution(training=None, evaluationSeconds=0, failure=failure), None)
    # then the bill has all but training and evaluation, and says what it does not know
    missing = sum(line["usd"] for line in whole["lines"] if line["what"] in ("Train", "Evaluate"))
    assert cost["usd"] == pytest.approx(whole["usd"] - missing, abs=0.0001)
    assert (cost["notCounted"], whole["notCounted"]) == ("the jobs of Train", None)


@pytest.mark.usefixtures("no_price_list")
def test_an_execution_whose_input_was_refused_cost_nearly_nothing() -> None:
    nothing = dict.fromkeys(("run", "dataset", "comparison", "tuning", "training"))
    failure = {"state": "Plan", "error": "InvalidInput", "cause": "any"}
    cost = add_up_cost.handler(execution(extracted=[], evaluationSeconds=0, failure=failure, **nothing), None)
    assert 0 < cost["usd"] < 0.01
    assert cost["notCounted"] is None
