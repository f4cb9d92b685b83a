"""What AWS takes is not refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rehearsal.aws.stepfunctions.definitions import diagnose
from tests.rehearsal.definitions.machines import (
    END,
    FUNCTION,
    Definition,
    choice,
    distributed,
    going,
    jsonpath,
    machine,
    optimized,
    passing,
    sdk,
    task,
)

_CAUGHT = {"ErrorEquals": ["States.ALL"], "Next": "Done"}

SPECIFICATION: dict[str, Definition] = {
    "a task that is tried again": {
        "Comment": "A function that counts",
        "Version": "1.0",
        "StartAt": "Count",
        "TimeoutSeconds": 60,
        "States": {
            "Count": {
                "Type": "Task",
                "Resource": FUNCTION,
                "InputPath": "$.photos[0]",
                "ResultPath": "$.count",
                "Parameters": {"photo.$": "$", "flat": True, "context.$": "$$.Execution.Id", "x.$": "$variable.x"},
                "ResultSelector": {"n.$": "$.items[?(@.quantity > 1)].quantity"},
                "TimeoutSecondsPath": "$.limit",
                "Retry": [
                    {"ErrorEquals": ["ErrorA", "ErrorB"], "IntervalSeconds": 1, "BackoffRate": 2.0, "MaxAttempts": 2},
                    {"ErrorEquals": ["States.ALL"], "MaxDelaySeconds": 9, "JitterStrategy": "FULL"},
                ],
                "Catch": [{"ErrorEquals": ["States.Timeout"], "ResultPath": "$.error", "Next": "Wait"}],
                "Next": "Wait",
            },
            "Wait": {"Type": "Wait", "TimestampPath": "$.expires", "Next": "Choose"},
            "Choose": {
                "Type": "Choice",
                "Choices": [
                    {"Not": {"Variable": "$.type", "StringEquals": "Private"}, "Next": "Public"},
                    {
                        "And": [
                            {"Variable": "$.value", "IsPresent": True},
                            {"Variable": "$.value", "NumericGreaterThanEquals": 20.5},
                            {"Or": [{"Variable": "$.t", "TimestampLessThan": "2016-08-18T17:33:00Z"}]},
                        ],
                        "Assign": {"n.$": "$.value"},
                        "Next": "Twenties",
                    },
                ],
                "Default": "Both",
            },
            "Public": {"Type": "Pass", "Result": {"Next": "nowhere", "a.$": "text"}, "ResultPath": None, "End": True},
            "Twenties": {"Type": "Fail", "ErrorPath": "$.error", "CausePath": "States.Format('{}', $.cause)"},
            "Both": {
                "Type": "Parallel",
                "Branches": [
                    {"StartAt": "Left", "States": {"Left": END}},
                    {"StartAt": "Right", "States": {"Right": {"Type": "Wait", "SecondsPath": "$.s", "End": True}}},
                ],
                "Next": "Each",
            },
            "Each": {
                "Type": "Map",
                "ItemsPath": "$.shipped",
                "ItemSelector": {"parcel.$": "$$.Map.Item.Value", "hash.$": "States.Hash($.a, 'SHA-1')"},
                "MaxConcurrencyPath": "$.most",
                "Iterator": {"StartAt": "Validate", "States": {"Validate": {"Type": "Pass", "End": True}}},
                "End": True,
            },
        },
    },
}

JSONATA: dict[str, Definition] = {
    "payloads with the States Language's own names": machine(
        passing(Output={"Next": "nowhere", "States": {}, "StartAt": 1, "Type": "x", "Default": None, "Branches": []})
    ),
    "constants for an output and a condition": machine(
        choice({"Condition": True, "Output": 5, "Next": "Done"}, Output=None, Default="Done"), Done=END
    ),
    "text that is no expression": machine(passing(Output=["100 %", " {% phone %} ", "$.a"], Comment="{% phone %}")),
    "names inside of a path": machine(
        passing(
            Output="{% $states.input.items[phone > 3]^(<price).{'a': $map($, function($x) { $x.b }), 'c': d{e: f}} %}"
        )
    ),
    "a transformation and functions": machine(
        passing(
            Output="{% ($f := function($x, $y) { $x + $y }; [1..3] ~> $reduce($f) ~> function($s) { $s * 2 }) %}",
            Assign={"x": "{% $states.input ~> |items|{'total': price * quantity}, ['price']| %}", "größe": 1},
        )
    ),
    "results and errors where they are": machine(
        task(
            FUNCTION,
            "{% $states.input %}",
            Output="{% $states.result.x %}",
            Assign={"r": "{% $exists($states.result) ? $states.context.State.Name : null %}"},
            Catch=[
                _CAUGHT | {"Output": "{% $states.errorOutput.Cause %}", "Assign": {"e": "{% $states.errorOutput %}"}}
            ],
            TimeoutSeconds="{% $states.input.limit %}",
            Credentials={"RoleArn": "{% $role %}"},
        ),
        Done=END,
    ),
    "a distributed map with everything": machine(
        distributed(ExecutionType="EXPRESS")
        | {
            "ItemReader": {
                "Resource": "arn:aws:states:::s3:getObject",
                "ReaderConfig": {
                    "InputType": "CSV",
                    "CSVHeaderLocation": "GIVEN",
                    "CSVHeaders": ["{% a %}"],
                    "MaxItems": 5,
                },
                "Arguments": {"Bucket": "b", "Key": "{% $key %}"},
            },
            "ItemSelector": {"item": "{% $states.context.Map.Item.Value %}"},
            "ItemBatcher": {"MaxItemsPerBatch": "{% $most %}", "BatchInput": {"Next": "{% $x %}"}},
            "ResultWriter": {
                "Resource": "arn:aws:states:::s3:putObject",
                "Arguments": {"Bucket": "b", "Prefix": "p"},
                "WriterConfig": {"Transformation": "FLATTEN", "OutputType": "JSONL"},
            },
            "ToleratedFailurePercentage": 12.5,
            "MaxConcurrency": "{% 40 %}",
            "Label": "Pack-1.a_b",
            "Output": {"n": "{% $count($states.result) %}"},
        }
    ),
    "a map over an object": machine(going(Items={"a": 1}, Retry=[], Catch=[])),
    "a loop inside of a map": machine(
        going(
            ItemProcessor={
                "StartAt": "Left",
                "States": {"Left": {"Type": "Pass", "Next": "Right"}, "Right": {"Type": "Pass", "Next": "Left"}},
            }
        )
    ),
    "JSONata in one state of a JSONPath machine": jsonpath(
        passing(QueryLanguage="JSONata", Output="{% 1 %}", End=False) | {"Next": "Second"},
        Second=passing(InputPath="$.a"),
    ),
}

CALLS: dict[str, Definition] = {
    "an activity": task(
        "arn:aws:states:eu-central-1:123456789012:activity:count", HeartbeatSeconds=5, TimeoutSeconds=9
    ),
    "a version of a function in China": task("arn:aws-cn:lambda:cn-north-1:123456789012:function:count:$LATEST"),
    "arguments that are an expression": task("arn:aws:states:::sns:publish", "{% $message %}"),
    "lambda": optimized(
        "lambda:invoke.waitForTaskToken", FunctionName="f", Payload={"any": {"thing": 1}}, Qualifier="1"
    ),
    "sns": optimized(
        "sns:publish", TopicArn="t", Message={"an": "object"}, MessageAttributes={"a": {"DataType": "String"}}
    ),
    "sqs": optimized("sqs:sendMessage", QueueUrl="q", MessageBody={"a": 1}),
    "dynamodb": optimized("dynamodb:putItem", TableName="t", Item={"id": {"S": "x"}, "m": {"M": {"n": {"N": "1"}}}}),
    "events": optimized("events:putEvents", Entries=[{"Detail": {"a": 1}, "DetailType": "d", "Source": "s"}]),
    "batch": optimized(
        "batch:submitJob.sync", JobName="j", JobQueue="q", JobDefinition="d", RetryStrategy={"attempts": 5}
    ),
    "another execution": optimized("states:startExecution.sync:2", StateMachineArn="a", Input={"x": 1}, Name="n"),
    "an SDK call with a token": sdk("eventbridge:putEvents.waitForTaskToken", Entries=[{"Source": "{% $s %}"}]),
    "a service whose id is not its name": sdk("cloudwatchlogs:createLogGroup", LogGroupName="g"),
    "a token for the client": sdk("sfn:createActivity", Name="a", Tags=[{"Key": "k", "Value": "v"}]),
    "names as in Java and as in the API": sdk("rds:deleteDBInstance", DbInstanceIdentifier="i"),
    "nothing to say": sdk("s3:listBuckets"),
}

VALID: dict[str, Any] = SPECIFICATION | JSONATA | {name: machine(state) for name, state in CALLS.items()}


@pytest.mark.parametrize("kind", VALID)
def test_it_is_taken(kind: str) -> None:
    assert diagnose(json.dumps(VALID[kind])) == []


def test_a_jsonpath_template_takes_what_jsonata_would_not() -> None:
    """``{% %}`` means nothing there."""
    assert diagnose(json.dumps(jsonpath(passing(Parameters={"x": "{% phone %}"})))) == []
