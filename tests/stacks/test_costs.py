"""The cost: from an execution's variables to its output, whatever becomes of the function that adds it up."""

import json
import re
from typing import Any

import pytest

import add_up_cost
from bench.function_environment import function_environment
from costs import prices
from costs.executed import PHASES, not_counted
from tests.stacks.execution import rendered, variables
from tests.stacks.template import Template, as_list, resources, statements

States = dict[str, dict[str, Any]]
CONTEXT = {"Execution": {"Id": "arn:e", "StartTime": "now", "Input": {}}}


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


def test_a_failure_is_billed_from_whatever_is_known_and_none_hides_it(
    states: States, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in function_environment("data", []).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(prices, "find", lambda region, _types: prices.tabled(region))
    state = states["Add up cost of failure"]
    # given no more than what the first state's Catch assigns
    known = rendered(states["Plan"]["Catch"][0]["Assign"], {}, errorOutput={"Error": "InvalidInput", "Cause": "any"})
    cost = add_up_cost.handler(rendered(state["Arguments"]["Payload"], known), None)
    assigned = rendered(state["Assign"], known, result={"Payload": cost})
    # then the page is told what the execution cost
    page = rendered(states["Write report of failure"]["Arguments"]["Payload"], known | assigned, context=CONTEXT)
    assert 0 < page["output"]["cost"]["usd"] < 0.01
    # ... and where it cannot be added up the way is the same, with the failure as it was
    for catch in state["Catch"]:
        assert catch["Next"] == state["Next"] == "Write report of failure"
        assert catch["Assign"].keys() == {"cost"}
        told = rendered(catch["Assign"]["cost"], known, errorOutput={"Error": "Lambda.Unknown", "Cause": "gone"})
        assert told == {"usd": None, "reason": "gone"}


def test_every_state_that_runs_jobs_is_named_where_it_fails(states: States, definition: dict[str, Any]) -> None:
    for name, state in definition["States"].items():
        inner = state.get("ItemProcessor", {}).get("States", {}).values()
        if any("Job" in str(each.get("Resource")) and ":create" in str(each["Resource"]) for each in [state, *inner]):
            assert not_counted({"state": name}), name
    assert not_counted({"state": "Collect trials"}) == not_counted({"state": "Tune to criteria"}) == "the jobs of Tune"
    assert set(PHASES) <= states.keys()


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
    mine = {"Key": "stocktake:deployment", "Value": "stocktake"}
    # what CloudFormation makes in the update role has none of the stack's: it has them itself
    for kind in ("Model", "EndpointConfig", "Endpoint"):
        (made,) = resources(templates["Endpoint"], f"AWS::SageMaker::{kind}").values()
        assert made["Tags"] == [mine]


def test_every_job_has_the_tags_of_its_execution_and_deployment(states: States) -> None:
    context = {"Execution": {"Name": "first(1)!"}, "StateMachine": {"Name": "stocktake"}}
    jobs = {
        name: state
        for name, state in states.items()
        if re.search(r":create\w+Job(\.sync)?$", str(state.get("Resource")))
    }
    assert len(jobs) == 6, sorted(jobs)
    for state in jobs.values():
        tags = rendered(state["Arguments"]["Tags"], {}, context=context)
        # then it has what a tag takes of the execution's name, which may have more
        assert tags == [
            {"Key": "stocktake:execution", "Value": "first_1__"},
            {"Key": "stocktake:deployment", "Value": "stocktake"},
        ]
