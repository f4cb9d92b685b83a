"""The emulated API's answers to definitions."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.definitions.machines import machine, passing, task
from tests.rehearsal.emulator import ROLE, Emulator

INVALID = json.dumps(machine({"Type": "Pass", "Next": "Nowhere"}))
SENTENCE = (
    "Invalid State Machine Definition: 'MISSING_TRANSITION_TARGET: Missing 'Next' target: Nowhere at /States/First/Next"
    ", MISSING_END_STATE: Workflow has no terminal state at null'"
)


def test_an_invalid_definition_is_not_taken(aws: Emulator) -> None:
    # Given a definition that leads nowhere, Then creating and updating are refused with AWS's sentence.
    states = aws.client("stepfunctions")
    with pytest.raises(ClientError) as created:
        states.create_state_machine(name="invalid", definition=INVALID, roleArn=ROLE)
    valid = json.dumps(machine(passing()))
    arn = states.create_state_machine(name="valid", definition=valid, roleArn=ROLE)["stateMachineArn"]
    with pytest.raises(ClientError) as updated:
        states.update_state_machine(stateMachineArn=arn, definition=INVALID)
    for refusal in (created, updated):
        assert refusal.value.response["Error"]["Code"] == "InvalidDefinition"
        assert refusal.value.response["Error"]["Message"] == SENTENCE
    # And nothing has changed.
    assert [machine["name"] for machine in states.list_state_machines()["stateMachines"]] == ["valid"]
    assert states.describe_state_machine(stateMachineArn=arn)["definition"] == valid


def test_an_express_machine_is_checked_as_one(aws: Emulator) -> None:
    # Given a machine of type EXPRESS, Then neither it nor an update of it may wait for a job.
    states = aws.client("stepfunctions")
    waiting = json.dumps(machine(task("arn:aws:states:::glue:startJobRun.sync")))
    options = {"name": "express", "type": "EXPRESS", "roleArn": ROLE}
    with pytest.raises(ClientError, match=r"Express state machine does not support '\.sync'"):
        states.create_state_machine(definition=waiting, **options)
    arn = states.create_state_machine(definition=json.dumps(machine(passing())), **options)["stateMachineArn"]
    with pytest.raises(ClientError, match=r"Express state machine does not support '\.sync'"):
        states.update_state_machine(stateMachineArn=arn, definition=waiting)


def test_validation_answers_with_every_fault(aws: Emulator) -> None:
    # When a definition is only validated, Then the answer lists its faults, or none.
    states = aws.client("stepfunctions")
    answer = states.validate_state_machine_definition(definition=INVALID)
    assert (answer["result"], answer["truncated"]) == ("FAIL", False)
    assert answer["diagnostics"] == [
        {
            "severity": "ERROR",
            "code": "MISSING_TRANSITION_TARGET",
            "message": "Missing 'Next' target: Nowhere",
            "location": "/States/First/Next",
        },
        {"severity": "ERROR", "code": "MISSING_END_STATE", "message": "Workflow has no terminal state"},
    ]
    first = states.validate_state_machine_definition(definition=INVALID, maxResults=1)
    assert (len(first["diagnostics"]), first["truncated"]) == (1, True)
    fine = states.validate_state_machine_definition(definition=json.dumps(machine(passing())), type="EXPRESS")
    assert (fine["result"], fine["diagnostics"]) == ("OK", [])
