"""Jobs that SageMaker refuses for quota: waited for where it is in use, a failure at once where it is too small."""

import json
import re
import subprocess
from typing import Any

import pytest

from tests.stacks.execution import CONTEXT, accepted, rendered, variables

States = dict[str, dict[str, Any]]
SPOT = "ml.g4dn.xlarge for spot training job usage"
JOBS = {
    "Extract candidate": "Processing",
    "Train candidate": "Training",
    "Tune": "HyperParameterTuning",
    "Tune to criteria": "HyperParameterTuning",
    "Train": "Training",
    "Evaluate": "Processing",
}
MAPS = {"Extract candidate": "Extract features", "Train candidate": "Compare"}
KNOWN = variables(training={"modelArtifact": "s3://data/models/a-job/output/model.tar.gz"}, ready=False)
RETRIES = (0, 1, 2, 3)


def refusal(value: int, in_use: int, needed: int = 1, quota: str = SPOT) -> str:
    """The cause that Step Functions has from SageMaker."""
    return (
        f"The account-level service limit '{quota}' is {value} Instances, with current utilization of {in_use} "
        f"Instances and a request delta of {needed} Instances. Please use AWS Service Quotas to request an increase "
        "for this quota. If AWS Service Quotas is not available for this quota, please contact AWS support to request "
        "an increase for this quota. (Service: SageMaker, Status Code: 400, Request ID: 5e2c) (SDK Attempt Count: 1)"
    )


def names(states: States, job: str, job_input: Any) -> list[str]:
    """The names of the job at a state's first attempt and its retries."""
    name = states[job]["Arguments"][f"{JOBS[job]}JobName"]
    contexts = [CONTEXT | {"State": {"RetryCount": count}} for count in RETRIES]
    return [rendered(name, KNOWN, job_input, context=context) for context in contexts]


def refused(states: States, job: str, cause: str) -> tuple[list[str], int, dict[str, str]]:
    """Follow the machine while SageMaker refuses the job: the names asked for, seconds waited, how it fails."""
    job_input: Any = KNOWN["run"]["candidates"][1] if job in MAPS else {}
    error = {"Error": "SageMaker.ResourceLimitExceededException", "Cause": cause}
    asked, seconds = [], 0
    while True:
        asked += names(states, job, job_input)
        assert len(asked) < 1000
        if seconds in (0, 60 * 120):  # the shortest name and the longest
            last = CONTEXT | {"State": {"RetryCount": RETRIES[-1]}}
            accepted(f"Create{JOBS[job]}Job", rendered(states[job]["Arguments"], KNOWN, job_input, context=last))
        catch = next(catch for catch in states[job]["Catch"] if error["Error"] in catch["ErrorEquals"])
        known = KNOWN | rendered(catch["Assign"], KNOWN, job_input, errorOutput=error)
        (give_up,) = states[catch["Next"]]["Choices"]
        if rendered(give_up["Condition"], known, error):
            end = states[give_up["Next"]]
            if job in MAPS:
                assert end["Type"] == "Fail"
                failed = {"Error": rendered(end["Error"], known, error), "Cause": rendered(end["Cause"], known, error)}
                *_, caught = states[MAPS[job]]["Catch"]
                return asked, seconds, rendered(caught["Assign"], KNOWN, {}, errorOutput=failed)["failure"]
            way_out = "Give turn back after failure" if job == "Evaluate" else "Add up cost of failure"
            assert give_up["Next"] == way_out
            return asked, seconds, rendered(give_up["Assign"], known, error)["failure"]
        wait = states[states[catch["Next"]]["Default"]]
        assert (wait["Type"], wait["Next"]) == ("Wait", job)
        seconds += wait["Seconds"]
        job_input = rendered(wait["Output"], known, error)


@pytest.mark.parametrize("job", JOBS)
def test_a_quota_of_zero_fails_at_once_and_is_named(states: States, job: str) -> None:
    asked, seconds, failure = refused(states, job, refusal(0, 0))
    assert (len(asked), seconds) == (len(RETRIES), 0)
    assert (failure["state"], failure["error"]) == (MAPS.get(job, job), "QuotaTooSmall")
    assert failure["cause"].startswith(f"the quota '{SPOT}' is 0 and the job needs 1. Ask for more: aws service-quotas")
    # The notification is JSON: what is copied from it must be the command itself.
    assert json.dumps(failure["cause"]) == f'"{failure["cause"]}"'


@pytest.mark.parametrize("job", JOBS)
def test_a_busy_quota_is_waited_for_under_new_names(states: States, job: str) -> None:
    asked, seconds, failure = refused(states, job, refusal(1, 1))
    assert seconds == 60 * 120
    assert len(set(asked)) == len(asked) == 61 * len(RETRIES)
    beginning = asked[0].removesuffix("0")
    assert all(re.fullmatch(rf"{beginning}\d+", name) for name in asked)
    assert (failure["state"], failure["error"]) == (MAPS.get(job, job), "QuotaInUse")
    assert failure["cause"].startswith(f"the quota '{SPOT}' is 1 and was in use for 7200 seconds. Ask for more: aws")


@pytest.mark.parametrize("job", JOBS)
def test_a_redriven_execution_asks_for_jobs_under_new_names(states: States, job: str) -> None:
    """Given an execution that was stopped after any attempt and redriven, which counts retries from 0 again."""
    candidate: Any = KNOWN["run"]["candidates"][1] if job in MAPS else {}
    kind = f"{JOBS[job]}JobName"
    asked = []
    for redrives in (0, 1, 2, 39):
        for waits in (0, 1, 60):
            for retries in RETRIES:
                execution = CONTEXT["Execution"] | ({"RedriveCount": redrives} if redrives else {})
                context = {"Execution": execution, "State": {"RetryCount": retries}}
                name = states[job]["Arguments"][kind]
                asked.append(rendered(name, KNOWN, candidate | {"waits": waits}, context=context))
    assert len(set(asked)) == len(asked)
    assert all(len(name) <= 32 for name in asked) or JOBS[job] != "HyperParameterTuning"


@pytest.mark.parametrize(
    ("cause", "error"),
    [
        # In use by nobody, and yet not enough: no wait helps.
        (refusal(1, 0, needed=2), "QuotaTooSmall"),
        (refusal(2, 1, needed=2), "QuotaInUse"),
        (refusal(10, 10), "QuotaInUse"),
        ("No more of this.", "QuotaInUse"),
    ],
)
def test_only_what_can_become_free_is_waited_for(states: States, cause: str, error: str) -> None:
    _, seconds, failure = refused(states, "Train", cause)
    assert failure["error"] == error
    assert (seconds > 0) is (error == "QuotaInUse")


def test_what_cannot_be_read_is_told_as_it_was(states: States) -> None:
    assert refused(states, "Train", "No more of this.")[2]["cause"] == "No more of this."


@pytest.mark.parametrize(("value", "needed", "wanted"), [(0, 1, "2"), (0, 4, "4"), (2, 1, "3")])
def test_the_command_asks_for_the_quota_by_its_code(states: States, value: int, needed: int, wanted: str) -> None:
    """Given an `aws` that lists two quotas, When a shell runs the command, Then it asks for the right one."""
    command = refused(states, "Tune", refusal(value, value, needed))[2]["cause"].partition("Ask for more: ")[2]
    quotas = {"Quotas": [{"QuotaName": name, "QuotaCode": code} for name, code in ((SPOT, "L-2"), ("other", "L-1"))]}
    aws = f"""aws() {{
        if [ "$2" = list-service-quotas ]; then
            python3 -c 'import jmespath, json, sys; print(*jmespath.search(sys.argv[2], json.loads(sys.argv[1])))' \\
                '{json.dumps(quotas)}' "${{@: -1}}"
        else
            echo "$@"
        fi
    }}"""
    done = subprocess.run(["bash", "-c", f"{aws}\n{command}"], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        *("service-quotas", "request-service-quota-increase", "--service-code", "sagemaker"),
        *("--desired-value", wanted, "--quota-code", "L-2"),
    ]


def test_a_maps_variables_have_names_of_their_own(definition: dict[str, Any]) -> None:
    """Step Functions takes no machine whose map assigns a variable that is assigned outside too."""

    def assigned(machine: dict[str, Any]) -> set[str]:
        found: set[str] = set()
        for state in machine["States"].values():
            for part in (state, *state.get("Catch", []), *state.get("Choices", [])):
                found |= set(part.get("Assign", {}))
        return found

    maps = [state["ItemProcessor"] for state in definition["States"].values() if "ItemProcessor" in state]
    inside = set().union(*map(assigned, maps))
    assert "refusalOfTrainCandidate" in inside
    assert not inside & assigned(definition)
