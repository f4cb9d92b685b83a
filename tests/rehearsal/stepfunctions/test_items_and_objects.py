"""What Step Functions reads from S3 for a Distributed Map, and writes to it by the SDK integration."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.rehearsal.emulator import ROLE, Emulator
from tests.rehearsal.machines import END, child, distributed, single

PASS = {"Type": "Pass", "End": True}


@pytest.fixture(scope="module")
def bucket(aws: Emulator) -> str:
    """A bucket with readable and unreadable lists."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="lists")
    for key, body in {"list.json": '["a", "b"]', "object.json": '{"a": 1}', "broken.json": "[1, "}.items():
        s3.put_object(Bucket="lists", Key=key, Body=body)
    return "lists"


@pytest.mark.parametrize(
    ("key", "cause"),
    [
        ("none.json", "The specified key does not exist."),
        ("object.json", "Attempting to map over non-iterable node."),
        ("broken.json", "line 1 column 5"),
    ],
)
def test_items_that_cannot_be_read_are_an_error_of_their_own(aws: Emulator, bucket: str, key: str, cause: str) -> None:
    # Given a list that is missing or none, Then the map fails by States.ItemReaderFailed, which States.ALL catches.
    state = distributed(bucket, key, child(PASS))
    failed = aws.execute(single(state))
    assert (failed["status"], failed["error"]) == ("FAILED", "States.ItemReaderFailed")
    assert cause in failed["cause"]
    catch = {"ErrorEquals": ["States.ALL"], "Output": "{% $states.errorOutput.Error %}", "Next": "Caught"}
    caught = aws.execute(single(state | {"Catch": [catch]}, Caught={"Type": "Pass", "End": True}))
    assert caught["output"] == "States.ItemReaderFailed"


@pytest.mark.parametrize("selector", ["ItemSelector", "Parameters"])
def test_a_distributed_map_in_jsonpath_selects_items(aws: Emulator, selector: str) -> None:
    # Given a Distributed Map in JSONPath, Then each item is made of the map's input, its item and a variable.
    state = {
        "Type": "Map",
        "InputPath": "$.given",
        "ItemsPath": "$.list",
        selector: {
            "item.$": "$$.Map.Item.Value",
            "index.$": "$$.Map.Item.Index",
            "plus.$": "$.plus",
            "times.$": "$times.by",
        },
        "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **child(PASS)},
        "End": True,
    }
    definition = single({"Type": "Pass", "Assign": {"times": {"by": 3}}, "Next": "Map"}, Map=state)
    result = aws.execute({"QueryLanguage": "JSONPath", **definition}, {"given": {"list": ["a", "b"], "plus": 7}})
    assert result["output"] == [
        {"item": "a", "index": 0, "plus": 7, "times": 3},
        {"item": "b", "index": 1, "plus": 7, "times": 3},
    ]


@pytest.mark.parametrize("body", [{"a": [1, None, "ä"]}, [1, 2.5], 7, True, "text", ""])
def test_an_objects_body_is_written_as_json(aws: Emulator, bucket: str, body: Any) -> None:
    # Given any JSON as Body, a text too, Then the object holds that JSON: a text has its quotes.
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:putObject",
        "Arguments": {"Bucket": bucket, "Key": "written", "Body": "{% $states.input.body %}"},
        "End": True,
    }
    result = aws.execute(single(task), {"body": body})
    assert result["status"] == "SUCCEEDED", result
    written = aws.client("s3").get_object(Bucket=bucket, Key="written")["Body"].read()
    assert json.loads(written) == body
    assert b" " not in written


def test_the_objects_below_a_prefix_are_items(aws: Emulator, bucket: str) -> None:
    # Given a map over a listing, whose objects have times, Then each object is a child's input.
    for key in ("photos/1", "photos/2"):
        aws.client("s3").put_object(Bucket=bucket, Key=key, Body=b"")
    listing = {"Bucket": bucket, "Prefix": "photos/"}
    state = distributed(bucket, "", child(PASS))
    state["ItemReader"] = {"Resource": "arn:aws:states:::s3:listObjectsV2", "Arguments": listing}
    result = aws.execute(single(state | {"Output": "{% $states.result.Key %}"}))
    assert result["output"] == ["photos/1", "photos/2"], result


def test_a_call_without_an_answer_gives_an_empty_object(aws: Emulator) -> None:
    # Given an operation that answers nothing, Then the result is an object, and the call was made.
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="short-lived")
    resource, arguments = "arn:aws:states:::aws-sdk:s3:deleteBucket", {"Bucket": "short-lived"}
    result = aws.execute(single({"Type": "Task", "Resource": resource, "Arguments": arguments, "End": True}))
    assert result["output"] == {}
    assert "short-lived" not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]


def test_the_services_own_spelling_is_found(aws: Emulator) -> None:
    # Given arguments in Step Functions' spelling for a service that has another, Then the service gets its own.
    target = aws.client("stepfunctions").create_state_machine(
        name="target", definition=json.dumps(single(PASS)), roleArn="arn:aws:iam::123456789012:role/test"
    )["stateMachineArn"]
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:sfn:startExecution",
        "Arguments": {"StateMachineArn": target, "Input": {"n": 1}},
        "End": True,
    }
    started = aws.execute(single(task))
    assert started["output"]["ExecutionArn"].startswith(target.replace(":stateMachine:", ":execution:"))
    execution = aws.client("stepfunctions").describe_execution(executionArn=started["output"]["ExecutionArn"])
    assert json.loads(execution["input"]) == {"n": 1}


@pytest.mark.parametrize(("pattern", "output"), [(".sync", '{"n":1}'), (".sync:2", {"n": 1})])
def test_another_execution_is_waited_for(aws: Emulator, pattern: str, output: Any) -> None:
    # Given a task that runs another machine, Then it has that execution's description, its output as text or as JSON.
    name = f"nested{pattern[-1]}"
    target = aws.client("stepfunctions").create_state_machine(
        name=name, definition=json.dumps(single({"Type": "Wait", "Seconds": 1, "Next": "Last"}, Last=END)), roleArn=ROLE
    )["stateMachineArn"]
    task = {
        "Type": "Task",
        "Resource": f"arn:aws:states:::states:startExecution{pattern}",
        "Arguments": {"StateMachineArn": target, "Input": {"n": 1}},
        "End": True,
    }
    ended = aws.execute(single(task))["output"]
    assert (ended["Status"], ended["StateMachineArn"]) == ("SUCCEEDED", target)
    assert ended["Input"] == output
    assert isinstance(ended["Output"], type(output))
    assert ended["OutputDetails"] == {"Included": True}
    wrong = task | {"Arguments": {"StateMachineArn": f"{target}x"}}
    assert aws.execute(single(wrong))["error"] == "StepFunctions.StateMachineDoesNotExistException"
