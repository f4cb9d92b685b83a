"""The state machine's definition: its order, its jobs, and its one way out for failures."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from rehearsal.aws.stepfunctions.definitions import diagnose
from tests.stacks.execution import rendered
from tests.stacks.template import walk

ROOT = Path(__file__).resolve().parents[2]


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
        "Approved?": "Read endpoint stack",
        "Endpoint stack settled?": "Describe endpoint",
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
        "Read endpoint stack",
        "Update endpoint stack",
        "Wait for endpoint stack",
        "Describe endpoint stack",
        "Describe endpoint",
        "Smoke test",
        "Summarise",
        "Report",
        "Done",
    ]


def test_a_ready_dataset_skips_the_four_data_states(definition: dict[str, Any]) -> None:
    states = definition["States"]
    (ready,) = states["Dataset ready?"]["Choices"]
    assert ready["Condition"] == "{% $run.dataset.ready %}"
    assert states[ready["Next"]]["Next"] == states["Seal"]["Next"] == "ImageNet weights?"


def test_every_failure_goes_to_one_notification(definition: dict[str, Any]) -> None:
    # The smoke test takes the model back first; the two notifications must not hide what happened before.
    own_way = {"Smoke test": "Withdraw package", "Notify failure": "Failed", "Report": "Done"}
    for name, state in definition["States"].items():
        if state["Type"] in {"Task", "Map"}:
            catches = {c["Next"] for c in state["Catch"] if c["ErrorEquals"] == ["States.ALL"]}
            assert catches == {own_way.get(name, "Notify failure")}, name


def test_a_failure_says_which_state_it_was(definition: dict[str, Any]) -> None:
    for name, state in definition["States"].items():
        for catch in state.get("Catch", []):
            if catch["Next"] == "Notify failure":
                assert catch["Assign"]["failure"]["state"] == name


def test_a_full_account_is_waited_for(states: dict[str, dict[str, Any]]) -> None:
    """Forty functions where ten may run: no reason to fail. For jobs, see test_quota.py."""

    def patience(state: str, error: str) -> float:
        (retry,) = [r for r in states[state]["Retry"] if error in r["ErrorEquals"]]
        return sum(retry["IntervalSeconds"] * retry["BackoffRate"] ** n for n in range(retry["MaxAttempts"]))

    for name in ("Plan", "Catalogue batch", "Pack shard", "Split", "Seal", "Stage weights", "Collect trials"):
        assert patience(name, "Lambda.TooManyRequestsException") >= 900, name


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
    assert withdraw["Assign"]["wanted"] == "{% $previous %}"
    assert withdraw["Next"] == "Update endpoint stack"


def test_only_an_approved_package_is_deployed(states: dict[str, dict[str, Any]]) -> None:
    assert states["Register"]["Next"] == "Approved?"
    (manual,) = states["Approved?"]["Choices"]
    assert manual["Condition"] == "{% $run.input.release.approval = 'manual' %}"
    assert manual["Assign"]["decision"] == "awaiting-approval"
    assert manual["Next"] == "Summarise"


def test_a_failed_map_item_is_named(definition: dict[str, Any]) -> None:
    for name in ("Catalogue", "Pack"):
        state = definition["States"][name]
        children = walk(state["ItemProcessor"])
        (work,) = [child for child in children.values() if child["Type"] == "Task"]
        assert {"failed", "error", "cause"} == set(work["Catch"][0]["Output"])
        (incomplete,) = definition["States"][f"{name} complete?"]["Choices"]
        assert "$failed.(failed & ': ' & cause)" in incomplete["Assign"]["failure"]["cause"]
        assert incomplete["Next"] == "Notify failure"


def test_the_output_keeps_its_contract(states: dict[str, dict[str, Any]]) -> None:
    output = states["Summarise"]["Output"]
    assert set(output) >= {
        *("dataset", "comparison", "tuning", "training", "evaluation", "decision", "model", "endpoint", "cost")
    }
    assert set(output["evaluation"]) >= {
        *("accuracy", "interval", "withinOne", "mae", "rmse", "recall", "reportUri", "champion")
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
