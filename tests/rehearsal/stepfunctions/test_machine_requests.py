"""Calls that Step Functions refuses, each by its error's name."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.aws.stepfunctions.definitions import diagnose
from tests.rehearsal.emulator import ROLE, Emulator
from tests.rehearsal.machines import END, child, distributed, single

ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:any"
WAIT = single({"Type": "Wait", "Seconds": 600, "End": True})


def create(aws: Emulator, name: str, definition: dict[str, Any], **options: Any) -> str:
    """A state machine's ARN."""
    return str(
        aws.client("stepfunctions").create_state_machine(
            name=name, definition=json.dumps(definition), roleArn=ROLE, **options
        )["stateMachineArn"]
    )


def test_a_refused_definition_spoils_no_later_one(aws: Emulator) -> None:
    # Given a JSONata definition that is refused half-way, When a JSONPath one follows, Then it is read as JSONPath.
    waits = single({"Type": "Wait", "SecondsPath": "$.seconds", "End": True})
    for number in range(2):
        with pytest.raises(ClientError, match=r"\(InvalidDefinition\)"):
            create(aws, f"broken-{number}", {"QueryLanguage": "JSONata", **waits})
    assert aws.execute({"QueryLanguage": "JSONPath", **waits}, {"seconds": 0})["status"] == "SUCCEEDED"
    create(aws, "without-language", waits)


@pytest.mark.parametrize("escaped", [r"say \"yes\"", r"C:\temp"])
def test_an_intrinsic_function_escapes_only_what_it_must(aws: Emulator, escaped: str) -> None:
    # Given an intrinsic function with a backslash before anything but its own signs, Then the machine is refused.
    with pytest.raises(ClientError, match=r"\(InvalidDefinition\).*valid intrinsic function call"):
        create(
            aws,
            "escaped",
            single({"Type": "Pass", "Parameters": {"a.$": f"States.Format('{escaped}')"}, "End": True}),
        )


def test_what_only_aws_can_run_is_refused_as_a_gap_of_the_rehearsal(aws: Emulator) -> None:
    # Given a batcher, which AWS would take, Then no machine is made, and the sentence says whose gap it is.
    state = distributed("any", "key", child(END)) | {"ItemBatcher": {"MaxItemsPerBatch": 2}}
    definition = {"QueryLanguage": "JSONata", **single(state)}
    assert diagnose(json.dumps(definition)) == []
    with pytest.raises(ClientError, match=r"\(InvalidDefinition\).*AWS would take.*rehearsal cannot.*ItemBatcher"):
        create(aws, "batches", definition)


def test_a_name_belongs_to_one_definition(aws: Emulator) -> None:
    # Given a machine, Then the same request answers alike, and another of the name is refused and changes nothing.
    arn = create(aws, "one", WAIT)
    assert create(aws, "one", WAIT) == arn
    with pytest.raises(ClientError, match=r"\(StateMachineAlreadyExists\).*State Machine Already Exists: 'arn:.*:one'"):
        create(aws, "one", single(END))
    with pytest.raises(ClientError, match=r"\(StateMachineAlreadyExists\)"):
        create(aws, "one", WAIT, tracingConfiguration={"enabled": True})
    described = aws.client("stepfunctions").describe_state_machine(stateMachineArn=arn)
    assert json.loads(described["definition"]) == WAIT


@pytest.mark.parametrize("name", ["a b", "a:b", "a*", "<a>", "a\x07"])
def test_a_bad_name_of_an_execution_is_refused(aws: Emulator, name: str) -> None:
    # Given a name with what AWS forbids, Then nothing starts.
    arn = create(aws, "names", single(END))
    with pytest.raises(ClientError, match=r"\(InvalidName\)"):
        aws.client("stepfunctions").start_execution(stateMachineArn=arn, name=name)


@pytest.mark.parametrize("text", ["{not json", "", "NaN"])
def test_an_input_that_is_no_json_is_refused(aws: Emulator, text: str) -> None:
    # Given an input that is no JSON, Then the error has AWS's name and nothing starts.
    states = aws.client("stepfunctions")
    arn = create(aws, "inputs", single(END))
    with pytest.raises(ClientError, match=r"\(InvalidExecutionInput\).*Invalid State Machine Execution Input: '"):
        states.start_execution(stateMachineArn=arn, input=text)
    assert states.list_executions(stateMachineArn=arn)["executions"] == []


@pytest.mark.parametrize(
    ("operation", "asked", "sentence"),
    [
        ("list_state_machines", {"maxResults": 1001}, "'1001' at 'maxResults'.*value less than or equal to 1000"),
        ("list_state_machines", {"nextToken": "x" * 1025}, "at 'nextToken'.*have length less than or equal to 1024"),
        ("list_executions", {"maxResults": 1001}, "'1001' at 'maxResults'.*value less than or equal to 1000"),
        ("list_executions", {"nextToken": "x" * 3097}, "at 'nextToken'.*have length less than or equal to 3096"),
        ("list_executions", {"statusFilter": "succeeded"}, "'succeeded' at 'statusFilter'.*satisfy enum value set"),
        ("get_execution_history", {"maxResults": 1001}, "'1001' at 'maxResults'.*value less than or equal to 1000"),
    ],
)
def test_a_value_that_the_api_forbids_is_refused(
    aws: Emulator, operation: str, asked: dict[str, Any], sentence: str
) -> None:
    # Given a value outside of the API's own limits, Then the call is refused with AWS's name and words.
    of = {"list_executions": {"stateMachineArn": ARN}, "get_execution_history": {"executionArn": ARN}}
    with pytest.raises(ClientError, match=rf"\(ValidationException\).*1 validation error detected: Value .*{sentence}"):
        getattr(aws.client("stepfunctions"), operation)(**of.get(operation, {}), **asked)


def test_a_stopped_execution_says_why(aws: Emulator) -> None:
    # Given a running execution, When it is stopped with error and cause, Then description and history keep both.
    states = aws.client("stepfunctions")
    execution = states.start_execution(stateMachineArn=create(aws, "stopped", WAIT))["executionArn"]
    states.stop_execution(executionArn=execution, error="Maintenance", cause="The account moves.")
    described = states.describe_execution(executionArn=execution)
    assert (described["status"], described["error"], described["cause"]) == (
        "ABORTED",
        "Maintenance",
        "The account moves.",
    )
    events = aws.wait_for(
        lambda: states.get_execution_history(executionArn=execution)["events"],
        lambda found: found[-1]["type"] == "ExecutionAborted",
    )
    assert events[-1]["executionAbortedEventDetails"] == {"error": "Maintenance", "cause": "The account moves."}
