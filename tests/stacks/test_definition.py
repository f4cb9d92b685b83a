"""The state machine's definition: its order, its jobs, and its one way out for failures."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from rehearsal.aws.stepfunctions.definitions import diagnose
from tests.stacks.execution import rendered
from tests.stacks.template import Template, walk

ROOT = Path(__file__).resolve().parents[2]

OUT = {"Add up cost of failure", "Give turn back after failure"}
WITH_A_TURN = {
    *("Take turn", "Whose turn", "Look at whose turn it is", "Read endpoint stack", "Note what it replaces"),
    *("Update endpoint stack", "Describe endpoint stack", "Describe endpoint", "Describe endpoint configuration"),
    *("Describe served model", "Smoke test", "Withdraw package", "Look at package", "Read its evaluation"),
    "Look at endpoint",
    # One that was overtaken is compared again; whoever has no turn yet has nothing to give back, either.
    *("Read champion", "Describe champion", "Find champion bins", "Evaluate", "Describe evaluation", "Read evaluation"),
}


def test_the_validator_accepts_it(definition: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "definition.json"
    file.write_text(json.dumps(definition))
    command = [ROOT / "node_modules" / ".bin" / "asl-validator", "--json-path", file]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_aws_would_take_it(definition: dict[str, Any]) -> None:
    """By the check of the emulated API: expressions, references, services, arguments, and where states lead."""
    assert diagnose(json.dumps(definition)) == []


def test_it_goes_from_plan_to_report(definition: dict[str, Any], states: dict[str, dict[str, Any]]) -> None:
    """Following Next, and at a Choice the way of a first, good, automatically approved model."""
    way_on = {
        "Package named?": "Dataset ready?",
        "Dataset ready?": "Catalogue",
        "Catalogue complete?": "Catalogue done",
        "Pack complete?": "Pack done",
        "ImageNet weights?": "Stage weights",
        "Features missing?": "Extract features",
        "Several architectures?": "Compare",
        "Tuning wanted?": "Tune",
        "Model to train?": "Train",
        "Train done?": "Read champion",
        "Champion serves?": "Evaluate",
        "Evaluate done?": "Read evaluation",
        "Good enough?": "Register",
        "Approved?": "Ask for turn",
        "What to deploy?": "Note what it replaces",
        "Endpoint there?": "Update endpoint stack",
        "Endpoint stack settled?": "See what serves",
        "Package serves?": "Smoke test",
    }
    name, way = definition["StartAt"], []
    while name:
        way.append(name)
        name = way_on.get(name) or states[name].get("Next")
    assert [n for n in way if n not in way_on and not n.endswith(" done")] == [
        "Plan",
        "Catalogue",
        "Split",
        "Pack",
        "Seal",
        "Stage weights",
        "Extract features",
        "Compare",
        "Tune",
        "Collect trials",
        "Train",
        "Describe training",
        "Read champion",
        "Evaluate",
        "Describe evaluation",
        "Read evaluation",
        "Register",
        "Ask for turn",
        "Take turn",
        "Read endpoint stack",
        "Note what it replaces",
        "Update endpoint stack",
        "Wait for endpoint stack",
        "Describe endpoint stack",
        "See what serves",
        "Describe endpoint",
        "Describe endpoint configuration",
        "Describe served model",
        "Smoke test",
        "Give turn back",
        "Add up cost",
        "Summarise",
        "Write report",
        "Report",
        "Done",
    ]


def test_a_ready_dataset_skips_the_four_data_states(definition: dict[str, Any]) -> None:
    states = definition["States"]
    (ready,) = states["Dataset ready?"]["Choices"]
    assert ready["Condition"] == "{% $run.dataset.ready %}"
    assert states[ready["Next"]]["Next"] == states["Seal"]["Next"] == "ImageNet weights?"


def test_every_failure_goes_to_one_notification(definition: dict[str, Any]) -> None:
    # The smoke test takes the model back first; what notifies or gives a turn back must not hide what happened before.
    own_way = {
        "Smoke test": "Withdraw package",
        "Add up cost of failure": "Write report of failure",
        "Write report of failure": "Notify failure",
        "Notify failure": "Failed",
        "Write report": "Report",
        "Report": "Done",
        "Ask for approval": "Wait for approval",
        "Give turn back": "Add up cost",
        "Add up cost": "Summarise",
        "Give turn back after failure": "Add up cost of failure",
    }
    for name, state in definition["States"].items():
        if state["Type"] in {"Task", "Map"}:
            catches = {c["Next"] for c in state["Catch"] if c["ErrorEquals"] == ["States.ALL"]}
            way_out = "Give turn back after failure" if name in WITH_A_TURN else "Add up cost of failure"
            assert catches == {own_way.get(name, way_out)}, name


def test_whoever_has_a_turn_gives_it_back(definition: dict[str, Any]) -> None:
    """From taking it, no way leads to an end but by giving it back."""
    seen, ends = set(), set()
    ahead = ["Take turn"]
    while ahead:
        name = ahead.pop()
        if name.startswith("Give turn back"):
            continue
        state = definition["States"][name]
        if state["Type"] in {"Succeed", "Fail"} or name in {"Add up cost", "Add up cost of failure"}:
            ends.add(name)
        elif name not in seen:
            seen.add(name)
            others = [*state.get("Choices", ()), *state.get("Catch", ())]
            if name == "Good enough?":  # Whoever has a turn has a package, too.
                others = [other for other in others if "$package != null" in other["Condition"]]
                state = {}
            ahead += [other["Next"] for other in others] + [state[key] for key in ("Next", "Default") if key in state]
    assert not ends
    assert {name for name in seen if definition["States"][name]["Type"] == "Task"} == WITH_A_TURN


def test_a_failure_says_which_state_it_was(definition: dict[str, Any]) -> None:
    for name, state in definition["States"].items():
        for catch in state.get("Catch", []):
            if catch["Next"] in OUT and name not in OUT:
                assert catch["Assign"]["failure"]["state"] == name


def test_a_full_account_is_waited_for(states: dict[str, dict[str, Any]]) -> None:
    """Forty functions where ten may run: no reason to fail. For jobs, see test_quota.py."""

    def patience(state: str, error: str) -> float:
        (retry,) = [r for r in states[state]["Retry"] if error in r["ErrorEquals"]]
        return sum(retry["IntervalSeconds"] * retry["BackoffRate"] ** n for n in range(retry["MaxAttempts"]))

    for name in ("Plan", "Catalogue batch", "Pack shard", "Split", "Seal", "Stage weights", "Collect trials"):
        assert patience(name, "Lambda.TooManyRequestsException") >= 900, name
        # ... and a function in a VPC whose network interface AWS took, as nobody had called it for weeks
        for error in ("ResourceNotReadyException", "ENINotReadyException", "ResourceConflictException"):
            assert patience(name, f"Lambda.{error}") >= 900, (name, error)
    assert patience("Wait for approval", "Lambda.ResourceNotReadyException") >= 900


def test_what_aws_throttles_for_a_moment_is_asked_again(states: dict[str, dict[str, Any]]) -> None:
    """Step Functions makes no call again by itself, and the call after hours of training may be the one."""
    for name, state in states.items():
        service = state.get("Resource", "").rpartition(":::")[2]
        if (service.startswith(("aws-sdk:", "sns:")) and ":create" not in service) or name == "Register":
            *_, retry = state["Retry"]
            assert (retry["ErrorEquals"], retry["MaxAttempts"]) == (["States.TaskFailed"], 6), name
            answers = [error for other in state["Retry"] if other["MaxAttempts"] == 0 for error in other["ErrorEquals"]]
            conditional = "ConditionExpression" in state["Arguments"]
            assert bool(answers) == conditional, name
            assert all(error.endswith(".ConditionalCheckFailedException") for error in answers)
    for error in ("ServiceException", "AWSLambdaException", "SdkClientException", "ClientExecutionTimeoutException"):
        for name in ("Wait for approval", "Smoke test"):
            assert any(f"Lambda.{error}" in retry["ErrorEquals"] for retry in states[name]["Retry"]), (name, error)


def test_a_second_try_after_a_lost_answer_is_the_same_request(states: dict[str, dict[str, Any]]) -> None:
    def token(state: str, field: str, execution: str, retries: int, wanted: str = "") -> str:
        context = {"Execution": {"Id": execution}, "State": {"RetryCount": retries}}
        return str(rendered(states[state]["Arguments"][field], {"wanted": wanted}, context=context))

    for of in (("Register", "ClientToken"), ("Update endpoint stack", "ClientRequestToken")):
        assert re.fullmatch("[a-zA-Z0-9][a-zA-Z0-9-]{1,35}", token(*of, "arn:1", 0))
        assert token(*of, "arn:1", 0) == token(*of, "arn:1", 1)
        assert token(*of, "arn:1", 0) != token(*of, "arn:2", 0)
    # An execution deploys a package and may take it back.
    assert token(*of, "arn:1", 0, "arn:p/2") != token(*of, "arn:1", 0, "arn:p/1")


def test_only_a_wrong_answer_rejects_a_model_at_once(states: dict[str, dict[str, Any]]) -> None:
    *_, never, again = states["Smoke test"]["Retry"]
    # One that hangs for five minutes is not asked again while the model serves.
    assert (never["ErrorEquals"], never["MaxAttempts"]) == (["SmokeTestFailed", "Sandbox.Timedout"], 0)
    assert again["ErrorEquals"] == ["States.TaskFailed"]


def test_states_are_of_the_stacks_own_partition(templates: dict[str, Template]) -> None:
    """A state of another partition ends its execution, with an error that nothing catches."""
    for name, resource in templates["Workflow"]["Resources"].items():
        if resource["Type"] == "AWS::StepFunctions::StateMachine":
            assert "arn:aws:states" not in json.dumps(resource["Properties"]["DefinitionString"]), name


def test_deploying_changes_the_endpoint_stacks_parameter_and_nothing_else(
    states: dict[str, dict[str, Any]],
) -> None:
    arguments = states["Update endpoint stack"]["Arguments"]
    assert arguments["UsePreviousTemplate"] is True
    assert arguments["Parameters"] == [{"ParameterKey": "ModelPackageArn", "ParameterValue": "{% $wanted %}"}]
    assert "UpdateRole" in arguments["RoleARN"]


def test_a_model_that_fails_the_smoke_test_is_taken_back(states: dict[str, dict[str, Any]]) -> None:
    *_, catch = states["Smoke test"]["Catch"]
    withdraw = states[catch["Next"]]
    assert withdraw["Arguments"]["ModelApprovalStatus"] == "Rejected"
    back = states[withdraw["Next"]]
    assert back["Assign"]["candidate"] == "{% $previous %}"
    # which package serves again is decided by test_packages.py
    assert back["Next"] == "Package left to look at?"


def test_whoever_is_compared_again_in_its_turn_keeps_its_package(states: dict[str, dict[str, Any]]) -> None:
    def way(package: str | None, accepted: bool) -> str:
        known = {"package": package, "evaluation": {"release": {"accepted": accepted}}}
        state = states["Good enough?"]
        met = (choice["Next"] for choice in state["Choices"] if rendered(choice["Condition"], known))
        return str(next(met, state["Default"]))

    assert (way(None, True), way(None, False)) == ("Register", "Reject model")
    assert (way("arn:p/2", True), way("arn:p/2", False)) == ("Note what it replaces", "Supersede")


def test_only_an_approved_package_is_deployed(states: dict[str, dict[str, Any]]) -> None:
    assert states["Register"]["Next"] == "Approved?"
    (manual,) = states["Approved?"]["Choices"]
    assert manual["Condition"] == "{% $run.input.release.approval = 'manual' %}"
    assert manual["Next"] == "Ask for approval"
    assert states["Ask for approval"]["Next"] == "Wait for approval"
    (person,) = states["Approved by a person?"]["Choices"]
    assert (person["Condition"], person["Next"]) == ("{% $answer = 'Approved' %}", "Ask for turn")
    assert states["Approved by a person?"]["Default"] == "Not approved"
    assert states["Not approved"]["Next"] == "Add up cost"


def test_a_failed_map_item_is_named(definition: dict[str, Any]) -> None:
    for name in ("Catalogue", "Pack"):
        state = definition["States"][name]
        children = walk(state["ItemProcessor"])
        (work,) = [child for child in children.values() if child["Type"] == "Task"]
        assert {"failed", "error", "cause"} == set(work["Catch"][0]["Output"])
        (incomplete,) = definition["States"][f"{name} complete?"]["Choices"]
        assert "$failed.(failed & ': ' & cause)" in incomplete["Assign"]["failure"]["cause"]
        assert incomplete["Next"] == "Add up cost of failure"


def test_the_output_keeps_its_contract(states: dict[str, dict[str, Any]]) -> None:
    output = states["Summarise"]["Output"]
    assert set(output) >= {
        *("dataset", "comparison", "tuning", "training", "evaluation", "decision", "model", "endpoint", "cost")
    }
    assert set(output["evaluation"]) >= {
        *("accuracy", "interval", "withinOne", "mae", "rmse", "recall", "reportUri", "champion")
    }


def test_a_promotion_has_an_output_though_nothing_was_trained(states: dict[str, dict[str, Any]]) -> None:
    # given what Plan and the release assign on that way
    planned = rendered(
        states["Plan"]["Assign"], {}, result={"Payload": {"input": {"hyperparameters": {}}, "candidates": [None]}}
    )
    figures = dict.fromkeys(("interval", "withinOne", "mae", "rmse", "recall", "images", "majorityAccuracy"), 1)
    known = planned | {
        "run": {"report": {"uri": "s3://data/reports/r"}},
        "evaluation": {"accuracy": 0.5, "champion": None, "release": {"checks": []}} | figures,
        "package": "arn:p/1",
        "decision": "deployed",
        "endpoint": {"name": "stocktake", "status": "InService"},
    }
    # when
    output = rendered(states["Summarise"]["Output"], known, context={"Execution": {"Input": {}}})
    # then
    assert (output["dataset"], output["training"], output["tuning"]) == (None, None, None)
    assert output["evaluation"]["accuracy"] == 0.5
    assert output["cost"] == {
        "trainingSeconds": 0,
        "billableSeconds": 0,
        "featuresSeconds": 0,
        "evaluationSeconds": 0,
    }


@pytest.mark.parametrize(
    ("given", "comment", "started_by"),
    [
        ({}, None, None),
        ({"Comment": "ordinal loss"}, "ordinal loss", None),
        ({"Comment": {"why": 1}, "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": "arn:1"}, '{"why":1}', "arn:1"),
        ({"Comment": "c" * 200_000}, "c" * 1024, None),
    ],
)
def test_the_output_has_what_was_said_about_the_execution(
    states: dict[str, dict[str, Any]], given: dict[str, Any], comment: str | None, started_by: str | None
) -> None:
    output = states["Summarise"]["Output"]
    told = {name: output[name] for name in ("comment", "startedBy")}
    found = rendered(told, {}, context={"Execution": {"Input": given}})
    assert found == {"comment": comment, "startedBy": started_by}


def test_the_graph_tells_what_is_decided_where(definition: dict[str, Any], states: dict[str, dict[str, Any]]) -> None:
    assert definition["Comment"].endswith(".")
    for name, state in states.items():
        # Step Functions' console shows both: names fit into its boxes, and what is decided is told.
        assert len(name) <= 40, name
        assert state["Type"] != "Choice" or (name.endswith("?") and state["Comment"].endswith(".")), name
