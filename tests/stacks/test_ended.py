"""Jobs that end without a result: stopped at a time limit or by somebody, without metrics, before they had started."""

import json
from typing import Any

import pytest

from tests.stacks.execution import rendered, variables
from tests.stacks.test_training_states import answer

States = dict[str, dict[str, Any]]

DESCRIBED = {
    "Train candidate": "Describe candidate",
    "Train": "Describe training",
    "Extract candidate": "Describe extraction",
    "Evaluate": "Describe evaluation",
}
MAPS = {"Train candidate": "Compare", "Extract candidate": "Extract features"}
LIMITS = {"MaxRuntimeInSeconds": 7200, "MaxWaitTimeInSeconds": 14400}


def stopped(job: str, secondary: str) -> dict[str, Any]:
    """What SageMaker tells of a job that it stopped before it had instances: no times, no metrics, no artifact."""
    if job in ("Extract candidate", "Evaluate"):
        limits = {"MaxRuntimeInSeconds": 7200}
        return {"ProcessingJobName": "a-job", "ProcessingJobStatus": "Stopped", "StoppingCondition": limits}
    absent = ("FinalMetricDataList", "ModelArtifacts", "TrainingTimeInSeconds", "BillableTimeInSeconds")
    known = {name: value for name, value in answer().items() if name not in absent}
    return known | {"TrainingJobStatus": "Stopped", "SecondaryStatus": secondary, "StoppingCondition": LIMITS}


def item(job: str) -> Any:
    known = variables()["run"]["candidates"][0]
    return {"jobName": "a-job"} | known if job in MAPS else {"jobName": "a-job"}


WAY_OUT = {"Evaluate": "Give turn back after failure"}
"""Of jobs that an execution may run in its turn."""


def failure(states: States, job: str, description: dict[str, Any]) -> dict[str, str] | None:
    """How the machine fails after a job of that description, as a variable `failure` has it; None if it goes on."""
    described = states[DESCRIBED[job]]
    known = variables() | rendered(described.get("Assign", {}), variables(), item(job), description)
    output = rendered(described["Output"], known, item(job), description)
    done = states[described["Next"]]
    (choice,) = done["Choices"]
    if not rendered(choice["Condition"], known, output):
        return None
    if job not in MAPS:
        assert choice["Next"] == WAY_OUT.get(job, "Add up cost of failure")
        return rendered(choice["Assign"], known, output)["failure"]
    end = states[choice["Next"]]
    error = {name: rendered(end[name], known, output) for name in ("Error", "Cause")}
    *_, caught = states[MAPS[job]]["Catch"]
    return rendered(caught["Assign"], variables(), {}, errorOutput=error)["failure"]


SENTENCES = [
    ("Train", "MaxRuntimeExceeded", "the job was stopped after the 7200 seconds of training.maxRunSeconds"),
    ("Train candidate", "MaxRuntimeExceeded", "the job was stopped after the 7200 seconds of training.maxRunSeconds"),
    ("Train", "MaxWaitTimeExceeded", "the job was stopped after the 14400 seconds of training.maxWaitSeconds"),
    ("Train", "Stopped", "the job was stopped by somebody"),
    ("Extract candidate", "", "the job was stopped by somebody, or after the 7200 seconds that it may run"),
    ("Evaluate", "", "the job was stopped by somebody, or after the 7200 seconds that it may run"),
]


@pytest.mark.parametrize(("job", "secondary", "sentence"), SENTENCES)
def test_a_job_that_was_stopped_is_told_with_its_limit(states: States, job: str, secondary: str, sentence: str) -> None:
    """Given a `.sync` that takes a stopped job for one that has ended, When it is described, Then the machine fails."""
    assert failure(states, job, stopped(job, secondary)) == {
        "state": MAPS.get(job, job),
        "error": "NoResult",
        "cause": sentence,
    }


@pytest.mark.parametrize(("job", "secondary", "sentence"), SENTENCES)
def test_so_it_is_where_it_counts_as_failed(states: States, job: str, secondary: str, sentence: str) -> None:
    """Given a `.sync` that fails with the stopped job's description, Then its cause is the same sentence."""
    error = {"Error": "States.TaskFailed", "Cause": json.dumps(stopped(job, secondary))}
    *_, caught = states[MAPS.get(job, job)]["Catch"]
    told = rendered(caught["Assign"], variables(), item(job), errorOutput=error)["failure"]
    assert (told["error"], told["cause"]) == ("NoResult", sentence)


def test_a_job_that_failed_keeps_its_error(states: States) -> None:
    error = {"Error": "States.TaskFailed", "Cause": json.dumps({"TrainingJobStatus": "Failed", "FailureReason": "No."})}
    *_, caught = states["Train"]["Catch"]
    told = rendered(caught["Assign"], variables(), {}, errorOutput=error)["failure"]
    assert (told["error"], told["cause"]) == ("States.TaskFailed", "No.")


def test_half_of_the_features_are_never_marked_as_all(states: States) -> None:
    assert states[states["Describe extraction"]["Next"]]["Default"] == "Mark features"
    assert failure(states, "Extract candidate", stopped("Extract candidate", "")) is not None


def test_a_candidate_without_its_metric_cannot_be_compared(states: States) -> None:
    description = {name: value for name, value in answer().items() if name != "FinalMetricDataList"}
    told = failure(states, "Train candidate", description)
    assert told is not None
    assert told["cause"] == "the job a-job reported no validation:accuracy; its log tells what it did"
    # The training that counts is measured by the evaluation.
    assert failure(states, "Train", description) is None


@pytest.mark.parametrize("job", ["Train candidate", "Train"])
def test_a_job_that_took_no_time_saved_nothing(states: States, job: str) -> None:
    described = states[DESCRIBED[job]]
    description = answer(TrainingTimeInSeconds=0, BillableTimeInSeconds=0)
    kept = described["Output"] if job in MAPS else described["Assign"]["training"]
    training = rendered(kept, variables(), item(job), description)
    assert (training["trainingSeconds"], training["billableSeconds"], training["savingsPercent"]) == (0, 0, 0)
    assert failure(states, job, description) is None


def test_what_is_kept_of_a_candidate_has_no_field_for_problems(states: States) -> None:
    described = states["Describe candidate"]
    output = rendered(described["Output"], variables(), item("Train candidate"), answer())
    assert output["problem"] is None
    kept = states[states[described["Next"]]["Default"]]
    assert rendered(kept["Output"], variables(), output) == {k: v for k, v in output.items() if k != "problem"}
