"""Quotas of Step Functions, and the errors that only their own names catch."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.aws.stepfunctions.limits import HISTORY_EVENTS, PAYLOAD_BYTES
from tests.rehearsal.emulator import ROLE, Emulator
from tests.rehearsal.machines import END, single

TEXT = "{% $pad('', $states.input.letters, $states.input.letter) %}"
TOO_LARGE = "States.DataLimitExceeded"


def letters(count: int, letter: str = "a") -> dict[str, Any]:
    """An input from which TEXT makes a text."""
    return {"letters": count, "letter": letter}


@pytest.mark.parametrize(
    ("state", "fitting"),
    [
        ({"Output": TEXT}, PAYLOAD_BYTES - 2),
        ({"Output": {"text": TEXT, "more": 1}}, PAYLOAD_BYTES - len('{"text":"","more":1}')),
        ({"Assign": {"text": TEXT, "more": 1}, "Output": 1}, PAYLOAD_BYTES - len('{"text":"","more":1}')),
    ],
)
def test_a_state_passes_on_no_more_than_its_quota(aws: Emulator, state: dict[str, Any], fitting: int) -> None:
    # Given a value of just 262,144 bytes of JSON, Then it is passed on; with one letter more the execution fails.
    definition = single({"Type": "Pass", **state, "Next": "Last"}, Last={"Type": "Pass", "Output": 1, "End": True})
    assert aws.execute(definition, letters(fitting))["status"] == "SUCCEEDED"
    failed = aws.execute(definition, letters(fitting + 1))
    assert failed["error"] == TOO_LARGE
    assert "'First'" in failed["cause"]
    # The quota is one of bytes, not of letters.
    assert aws.execute(definition, letters(fitting // 2 + 1, "ä"))["error"] == TOO_LARGE


def test_arguments_have_the_quota(aws: Emulator) -> None:
    # Given a task, When its arguments are too large, Then it is not started, and only the error's name catches it.
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:headBucket",
        "Arguments": {"Bucket": TEXT},
        "Catch": [{"ErrorEquals": ["States.ALL"], "Output": "all", "Next": "Caught"}],
        "End": True,
    }
    caught = {"Type": "Pass", "End": True}
    failed = aws.execute(single(task, Caught=caught), letters(PAYLOAD_BYTES))
    assert (failed["status"], failed["error"]) == ("FAILED", TOO_LARGE)
    named = {"ErrorEquals": [TOO_LARGE], "Output": "named", "Next": "Caught"}
    result = aws.execute(single(task | {"Catch": [named, *task["Catch"]]}, Caught=caught), letters(PAYLOAD_BYTES))
    assert result["output"] == "named"


def test_a_runtime_error_ends_the_execution(aws: Emulator) -> None:
    # Given a task that fails at run time, Then neither States.ALL nor its name catches or retries it.
    everything = ["States.Runtime"], ["States.ALL"]
    task = {
        "QueryLanguage": "JSONPath",
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:headBucket",
        "Parameters": {"Bucket.$": "$.none"},
        "Retry": [{"ErrorEquals": names, "MaxAttempts": 1, "IntervalSeconds": 1} for names in everything],
        "Catch": [{"ErrorEquals": names, "Next": "Caught"} for names in everything],
        "End": True,
    }
    definition = {"QueryLanguage": "JSONPath", **single(task, Caught={"Type": "Pass", "End": True})}
    assert aws.execute(definition)["error"] == "States.Runtime"


def test_an_input_over_the_quota_is_refused(aws: Emulator) -> None:
    # Given an input of 262,144 bytes, Then an execution starts; with one more none does.
    states = aws.client("stepfunctions")
    definition = json.dumps(single({"Type": "Succeed"}))
    machine = states.create_state_machine(name="inputs", definition=definition, roleArn=ROLE)["stateMachineArn"]
    states.start_execution(stateMachineArn=machine, input=json.dumps("a" * (PAYLOAD_BYTES - 2)))
    with pytest.raises(ClientError, match=r"\(ValidationException\).*less than or equal to 262144"):
        states.start_execution(stateMachineArn=machine, input=json.dumps("a" * (PAYLOAD_BYTES - 1)))


def test_a_history_has_a_last_event(aws: Emulator) -> None:
    # Given a machine that never ends, Then its history does, and the execution with it.
    again = {"Type": "Choice", "Choices": [{"Condition": "{% false %}", "Next": "Last"}], "Default": "First"}
    result = aws.execute(single({"Type": "Pass", "Next": "Again"}, Again=again, Last=END))
    assert result["status"] == "FAILED"
    assert result["cause"] == f"The execution reached the maximum number of history events ({HISTORY_EVENTS})."


def test_no_wait_is_longer_than_aws_counts(aws: Emulator) -> None:
    # Given a moment 24,856 days ahead, Then the execution fails, as recorded; 24,855 days are waited for.
    states = aws.client("stepfunctions")
    machine = states.create_state_machine(
        name="far",
        definition=json.dumps(single({"Type": "Wait", "TimestampPath": "$.at", "End": True})),
        roleArn=ROLE,
    )["stateMachineArn"]

    def started(days: int) -> str:
        moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
        at = json.dumps({"at": f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"})
        return str(states.start_execution(stateMachineArn=machine, input=at)["executionArn"])

    near, far = started(24_855), started(24_856)
    failed = aws.wait_for(
        lambda: states.describe_execution(executionArn=far), lambda answer: answer["status"] != "RUNNING", 60
    )
    place = "An error occurred while executing the state 'First' (entered at the event id #2)."
    assert (failed["error"], failed["cause"]) == ("States.Runtime", f"{place} Wait state delay is too long.")
    assert states.describe_execution(executionArn=near)["status"] == "RUNNING"
    states.stop_execution(executionArn=near)
