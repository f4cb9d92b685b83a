"""The cost: from an execution's variables to its output, whatever becomes of the function that adds it up."""

import json
from typing import Any

import pytest

import add_up_cost
from bench.function_environment import function_environment
from costs import prices
from tests.stacks.execution import rendered, variables
from tests.stacks.template import Template, as_list, resources, statements

States = dict[str, dict[str, Any]]


@pytest.mark.parametrize("role", ["FunctionsAddUpCostRole", "FunctionsEstimateCostRole"])
def test_the_functions_of_the_costs_may_ask_for_prices_and_nothing_else(
    templates: dict[str, Template], role: str
) -> None:
    found = {a: s["Resource"] for s in statements(templates["Workflow"], role) for a in as_list(s["Action"])}
    assert found.pop("pricing:GetProducts") == "*"
    assert found.keys() == {"logs:CreateLogStream", "logs:PutLogEvents"}


def test_the_estimate_is_found_by_an_output_and_checks_as_plan_does(templates: dict[str, Template]) -> None:
    workflow = templates["Workflow"]
    name = workflow["Outputs"]["EstimateFunction"]["Value"]["Ref"]
    functions = resources(workflow, "AWS::Lambda::Function")
    assert functions[name]["Handler"] == "estimate_cost.handler"
    plan = next(function for function in functions.values() if function["Handler"] == "plan.handler")
    mine, plans = (f["Environment"]["Variables"] for f in (functions[name], plan))
    for checked in ("DEFAULTS", "SOURCE_BUCKETS", "MANAGED_DEBUGGER"):
        assert mine[checked] == plans[checked]


def test_a_cost_that_cannot_be_added_up_fails_nothing(states: States) -> None:
    # given the function's error, as Lambda words it
    error = {"Error": "KeyError", "Cause": json.dumps({"errorMessage": "'seconds'", "errorType": "KeyError"})}
    for catch in states["Add up cost"]["Catch"]:
        # then the output is told why there is no sum, and has the seconds
        known = variables(spent=[]) | rendered(catch["Assign"], variables(), errorOutput=error)
        cost = rendered(states["Summarise"]["Output"]["cost"], known)
        assert catch["Next"] == "Summarise"
        assert (cost["usd"], cost["reason"], cost["trainingSeconds"]) == (None, "'seconds'", 0)


@pytest.mark.parametrize("missing", [1, 2])
def test_features_are_billed_by_architecture(states: States, missing: int) -> None:
    # given two architectures, of which some have no features yet, the last ones
    known = variables(ready=False)
    for candidate in known["run"]["candidates"][: 2 - missing]:
        candidate["features"]["ready"] = True
    results = [{"seconds": 10}, {"seconds": 20}][:missing]
    # when
    assigned = rendered(states["Extract features"]["Assign"], known, result=results)
    # then
    assert assigned["extracted"] == [
        {"architecture": architecture, "seconds": result["seconds"]}
        for architecture, result in zip(["resnet50", "resnet101"][2 - missing :], results, strict=True)
    ]


def test_what_the_state_passes_on_can_be_billed(states: States, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in function_environment("data", []).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(prices, "find", lambda region, _types: prices.tabled(region))
    counts = {"train": {"1": 60, "2": 40}, "valid": {"1": 10}, "test": {"1": 10}}
    job = {"trainingSeconds": 600, "billableSeconds": 300, "jobName": "j", "architecture": "resnet50"} | {
        "instanceType": "ml.m5.xlarge",
        "instanceCount": 1,
        "spot": True,
    }
    known = variables(
        extracted=[{"architecture": "resnet50", "seconds": 90}], comparison=[job], training=job, evaluationSeconds=40
    )
    known["dataset"] |= {"counts": counts}
    payload = rendered(states["Add up cost"]["Arguments"]["Payload"], known)
    assert len(json.dumps(payload)) < 10_000
    cost = add_up_cost.handler(payload, None)
    assert [line["what"] for line in cost["lines"]][:3] == [
        "Extract features: resnet50",
        "Compare: resnet50",
        "Evaluate",
    ]
    # 90 s of 0.736, 300 s of 0.23, 40 s of 0.242 USD an hour, and few cents
    assert cost["usd"] == pytest.approx(0.0184 + 0.01917 + 0.00269 + 0.005, abs=0.002)


def test_a_promotion_can_be_billed(states: States, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in function_environment("data", []).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(prices, "find", lambda region, _types: prices.tabled(region))
    # given what Plan knows of an execution that serves a package
    answer = {"name": "r", "input": variables()["run"]["input"], "candidates": [None]}
    known = rendered(states["Plan"]["Assign"], {}, result={"Payload": answer})
    payload = rendered(states["Add up cost"]["Arguments"]["Payload"], known)
    assert 0 < add_up_cost.handler(payload, None)["usd"] < 0.01


def test_what_costs_money_has_the_deployments_tag(templates: dict[str, Template]) -> None:
    (endpoint,) = resources(templates["Endpoint"], "AWS::SageMaker::Endpoint").values()
    assert endpoint["Tags"] == [{"Key": "stocktake:deployment", "Value": "stocktake"}]
