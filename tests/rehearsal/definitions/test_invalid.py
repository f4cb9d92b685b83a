"""Definitions that AWS refuses are refused, with the place of the fault."""

from __future__ import annotations

import json

import pytest

from rehearsal.aws.stepfunctions.definitions import diagnose
from tests.rehearsal.definitions.invalid import INVALID
from tests.rehearsal.definitions.machines import jsonpath, machine, optimized, passing, task


@pytest.mark.parametrize("kind", INVALID)
def test_it_is_refused_where_the_fault_is(kind: str) -> None:
    definition, code, location = INVALID[kind]
    found = diagnose(json.dumps(definition))
    assert (code, location) in [(error.code, error.location) for error in found], found


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "SCHEMA_VALIDATION_FAILED"),
        ("[]", "SCHEMA_VALIDATION_FAILED"),
        ("{}", "SCHEMA_VALIDATION_FAILED"),
        ("not a definition", "INVALID_JSON_DESCRIPTION"),
        ('{"TimeoutSeconds": NaN}', "INVALID_JSON_DESCRIPTION"),
        (
            '{"StartAt": "A", "States": {"A": {"Type": "Succeed"}, "A": {"Type": "Succeed"}}}',
            "DUPLICATE_STATE_NAME",
        ),
        ('{"States": 5, "Comment": "", "Comment": ""}', "SCHEMA_VALIDATION_FAILED"),
    ],
)
def test_text_that_is_no_definition(text: str, code: str) -> None:
    assert [error.code for error in diagnose(text)] == [code]


@pytest.mark.parametrize(
    "resource",
    [
        "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "arn:aws:states:::glue:startJobRun.sync",
        "arn:aws:states:us-east-1:123456789012:activity:a",
    ],
)
def test_an_express_machine_does_not_wait(resource: str) -> None:
    definition = json.dumps(machine(task(resource)))
    assert diagnose(definition) == []
    (error,) = diagnose(definition, express=True)
    assert error.location == "/States/First/Resource"
    assert error.message.startswith("Express state machine does not support")


def test_sentences_are_awss() -> None:
    """As recorded or measured: the sentence and its place, word by word."""
    recorded = {
        "These fields are required: [States, StartAt] at /": {},
        "Field 'Catch' is not supported at /States/First": machine(passing(Catch=[])),
        "Missing 'Next' target: B at /States/First/Next": machine({"Type": "Pass", "Next": "B"}),
        "Workflow has no terminal state at null": machine({"Type": "Pass", "Next": "First"}),
        'State "B" is not reachable. at /States/B': machine(passing(), B={"Type": "Succeed"}),
        "The QueryLanguage is set to 'JSONPath', but field 'Output' is only supported for the 'JSONata' QueryLanguage"
        " at /States/First": jsonpath(passing(Output=1)),
        "Reference to 'phone' at the top level is not supported. at /States/First/Output/v": machine(
            passing(Output={"v": "{% phone[0] %}"})
        ),
        "Field '$states.errorOutput' does not exist. at /States/First/Output": machine(
            passing(Output="{% $states.errorOutput %}")
        ),
        'The field "key" is not supported by Step Functions at /States/First/Arguments': machine(
            optimized("sagemaker:createModel", ModelName="m", ExecutionRoleArn="r", Tags=[{"key": "k"}])
        ),
    }
    for sentence, definition in recorded.items():
        assert any(str(error).endswith(f": {sentence}") for error in diagnose(json.dumps(definition))), sentence
