"""The expected states, read from a definition alone."""

from __future__ import annotations

from typing import Any

from console.views.state_order import expected_states


def task(**fields: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", **fields}


def test_states_follow_those_that_lead_to_them_whatever_the_order_in_the_definition() -> None:
    # given a machine whose choice names the short way first
    definition = {
        "StartAt": "Plan",
        "States": {
            "Train": task(Next="Done"),
            "Ready?": {"Type": "Choice", "Choices": [{"Condition": "{% $x %}", "Next": "Reuse"}], "Default": "Build"},
            "Reuse": {"Type": "Pass", "Next": "Train"},
            "Build": {"Type": "Map", "Next": "Train"},
            "Plan": task(Next="Ready?"),
            "Done": {"Type": "Succeed"},
        },
    }
    # then working states come in the order of running, and those that take no time are left out
    assert expected_states(definition) == ["Plan", "Build", "Train"]


def test_states_that_only_failures_reach_are_not_expected() -> None:
    definition = {
        "StartAt": "Work",
        "States": {
            "Work": task(Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Mend"}], Next="Good?"),
            "Good?": {"Type": "Choice", "Choices": [{"Condition": "{% $x %}", "Next": "Notify"}], "Default": "End"},
            "Mend": task(Next="End"),
            "Notify": task(Next="Failed"),
            "Failed": {"Type": "Fail"},
            "End": task(End=True),
        },
    }
    assert expected_states(definition) == ["Work", "End"]


def test_a_polling_loop_is_expected_once() -> None:
    definition = {
        "StartAt": "Update",
        "States": {
            "Update": task(Next="Wait"),
            "Wait": {"Type": "Wait", "Seconds": 1, "Next": "Look"},
            "Look": task(Next="Settled?"),
            "Settled?": {"Type": "Choice", "Choices": [{"Condition": "{% $x %}", "Next": "Wait"}], "Default": "Test"},
            "Test": task(End=True),
        },
    }
    assert expected_states(definition) == ["Update", "Look", "Test"]
