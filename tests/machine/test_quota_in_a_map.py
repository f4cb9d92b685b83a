"""A map's job without quota, in the interpreter that rehearsals have: its variables' scope, and how a map fails."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from tests.rehearsal.emulator import Emulator, running_emulator
from tests.stacks.test_quota import SPOT, refusal

States = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running_emulator(tmp_path_factory.mktemp("aws") / "work") as emulator:
        yield emulator


def compare(states: States, cause: str) -> dict[str, Any]:
    """Compare's own states, but the job is refused, as SageMaker would refuse it, until there was a wait."""
    candidate = copy.deepcopy(states["Compare"]["ItemProcessor"])
    job = candidate["States"]["Train candidate"]
    refused = {"Type": "Fail", "Error": "SageMaker.ResourceLimitExceededException", "Cause": cause}
    had_to_wait = {"Condition": "{% $exists($states.input.waits) %}", "Next": "Start"}
    branch = {
        "StartAt": "Free?",
        "States": {
            "Free?": {"Type": "Choice", "Choices": [had_to_wait], "Default": "Refuse"},
            "Refuse": refused,
            "Start": {"Type": "Pass", "End": True},
        },
    }
    candidate["States"]["Train candidate"] = {
        "Type": "Parallel",
        "Branches": [branch],
        "Catch": job["Catch"],
        "Output": "{% $states.result[0] %}",
        "End": True,
    }
    for never_reached in (
        "Describe candidate",
        "Train candidate done?",
        "Candidate trained",
        "Train candidate not done",
    ):
        del candidate["States"][never_reached]
    candidate["States"]["Train candidate waits for quota"]["Seconds"] = 1
    *_, catch = states["Compare"]["Catch"]
    each = {
        "Type": "Map",
        "Items": [{"architecture": "resnet50", "index": 0}, {"architecture": "resnet101", "index": 1}],
        "ItemProcessor": candidate,
        "Catch": [catch | {"Next": "Failed"}],
        "End": True,
    }
    return {"StartAt": "Compare", "States": {"Compare": each, "Failed": states["Failed"]}}


def test_the_execution_fails_with_the_jobs_own_sentence(aws: Emulator, states: States) -> None:
    execution = aws.execute(compare(states, refusal(0, 0)))
    assert (execution["status"], execution["error"]) == ("FAILED", "QuotaTooSmall")
    assert execution["cause"].startswith(f"Compare: the quota '{SPOT}' is 0 and the job needs 1. Ask for more: aws ")


def test_after_the_wait_each_job_has_its_own_input_again(aws: Emulator, states: States) -> None:
    execution = aws.execute(compare(states, refusal(1, 1)))
    assert execution["output"] == [
        {"architecture": "resnet50", "index": 0, "waits": 1},
        {"architecture": "resnet101", "index": 1, "waits": 1},
    ]
