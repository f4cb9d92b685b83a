"""The emulated Step Functions: what the application's state machine needs of JSONata, maps, errors and queries."""

from __future__ import annotations

import datetime
import json
import time
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.emulator import ROLE, Emulator
from tests.rehearsal.machines import END, child, distributed, single


def output_of(aws: Emulator, expression: Any, execution_input: Any = None) -> Any:
    """The output of a Pass state."""
    result = aws.execute(single({"Type": "Pass", "Output": expression, "End": True}), execution_input)
    assert result["status"] == "SUCCEEDED", result
    return result["output"]


def test_the_executions_input_stays_known(aws: Emulator) -> None:
    given = {"Comment": "why", "seed": 1}
    assert output_of(aws, "{% $states.context.Execution.Input.Comment %}", given) == "why"
    absent = "{% $exists($states.context.Execution.Input.Other) ? 1 : null %}"
    assert output_of(aws, absent, given) is None


@pytest.fixture(scope="module")
def items(aws: Emulator) -> tuple[str, str]:
    """A bucket and a key with the JSON array [0, 1, 2, 3]."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="items")
    s3.put_object(Bucket="items", Key="items.json", Body=json.dumps([0, 1, 2, 3]))
    return "items", "items.json"


FAIL_ON_TWO = child(
    {
        "Type": "Choice",
        "Choices": [{"Condition": "{% $states.input.item = 2 %}", "Next": "Broken"}],
        "Default": "Fine",
    },
    Broken={"Type": "Fail", "Error": "NoUsableImages", "Cause": "bin 2 is empty"},
    Fine=END,
)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("{% $states.input.text %}", 'say "hi" \\ bye'),
        ("{% $partition([1,2,3], 2) %}", [[1, 2], [3]]),
        ("{% $range(0, 10, 5) %}", [0, 5, 10]),
        ("{% $hash('a', 'MD5') %}", "0cc175b9c0f1b6a831c399e269772661"),
        ("{% $parse('{\"a\": [1, null]}').a %}", [1, None]),
        ("{% $random(3) = $random(3) %}", True),
        ("{% $length($uuid()) %}", 36),
        ({"n": None, "list": ["{% 4 / 2 %}"], "gone": "{% $states.input.nothing = null %}"}, None),
    ],
)
def test_expression(aws: Emulator, expression: Any, expected: Any) -> None:
    # Given an input with quotes and backslashes, When a Pass state evaluates, Then the value is AWS's.
    output = output_of(aws, expression, {"text": 'say "hi" \\ bye'})
    assert output == (expected if expected is not None else {"n": None, "list": [2], "gone": False})


@pytest.mark.parametrize("expression", ["$states.input.missing", "$sum", "$eval('1')", "$number('x')"])
def test_failing_expression_has_awss_error(aws: Emulator, expression: str) -> None:
    # Given an expression without a usable value, Then the execution fails by the name AWS gives.
    result = aws.execute(single({"Type": "Pass", "Output": f"{{% {expression} %}}", "End": True}))
    assert (result["status"], result["error"]) == ("FAILED", "States.QueryEvaluationError")
    assert expression in result["cause"]


def test_variable_keeps_quotes_and_is_visible_from_the_next_state(aws: Emulator) -> None:
    # Given a state that assigns a text with quotes, Then its own output still sees nothing of it, the next state all.
    definition = single(
        {"Type": "Pass", "Assign": {"x": 'a"b'}, "Output": "{% $exists($x) %}", "Next": "Second"},
        Second={"Type": "Pass", "Output": {"own": "{% $states.input %}", "x": "{% $x %}"}, "End": True},
    )
    assert aws.execute(definition)["output"] == {"own": False, "x": 'a"b'}


def test_context_has_times_as_text(aws: Emulator) -> None:
    # When a machine reads its context, Then times are AWS's ISO 8601 with milliseconds and usable in JSONata.
    context = output_of(aws, "{% $states.context %}")
    for moment in (context["Execution"]["StartTime"], context["State"]["EnteredTime"]):
        datetime.datetime.strptime(moment, "%Y-%m-%dT%H:%M:%S.%fZ")
    assert uuid.UUID(context["Execution"]["Name"])
    assert output_of(aws, "{% $toMillis($states.context.State.EnteredTime) > 0 %}") is True


def test_distributed_map_selects_items_in_its_parents_scope(aws: Emulator, items: tuple[str, str]) -> None:
    # Given a map whose selector uses a variable, its input and the item, Then every child gets them, in order.
    state = distributed(
        "{% $bucket %}",
        "{% $states.input.key %}",
        child({"Type": "Pass", "Output": "{% $states.input.item + $states.input.plus %}", "End": True}),
        ItemSelector={"item": "{% $states.context.Map.Item.Value %}", "plus": "{% $plus + $states.input.more %}"},
        MaxConcurrency=2,
    )
    definition = single({"Type": "Pass", "Assign": {"bucket": items[0], "plus": 10}, "Next": "Map"}, Map=state)
    result = aws.execute(definition, {"key": items[1], "more": 100})
    assert result["output"] == [110, 111, 112, 113]


def test_distributed_child_sees_no_variable_of_its_parent(aws: Emulator, items: tuple[str, str]) -> None:
    # Given a child that reads its parent's variable, Then it fails, as it would in AWS.
    processor = child({"Type": "Pass", "Output": "{% $plus %}", "End": True})
    definition = single({"Type": "Pass", "Assign": {"plus": 1}, "Next": "Map"}, Map=distributed(*items, processor))
    assert aws.execute(definition)["error"] == "States.ExceedToleratedFailureThreshold"


def test_distributed_map_fails_with_its_childs_error_in_the_cause(aws: Emulator, items: tuple[str, str]) -> None:
    # Given one child that fails and no toleration, Then the map fails, can be caught, and says why.
    state = distributed(
        *items,
        FAIL_ON_TWO,
        ItemSelector={"item": "{% $states.context.Map.Item.Value %}"},
        Catch=[
            {
                "ErrorEquals": ["States.ExceedToleratedFailureThreshold"],
                "Assign": {"failure": "{% $states.errorOutput %}"},
                "Output": "{% $states.errorOutput.Cause %}",
                "Next": "Caught",
            }
        ],
    )
    caught = {"Type": "Pass", "Output": "{% [$states.input, $failure.Error] %}", "End": True}
    cause, error = aws.execute(single(state, Caught=caught))["output"]
    assert "item 2: NoUsableImages: bin 2 is empty" in cause
    assert error == "States.ExceedToleratedFailureThreshold"


def test_distributed_map_tolerates_a_percentage(aws: Emulator, items: tuple[str, str]) -> None:
    # Given a quarter of failures and 25% tolerated, Then the others' outputs remain and the map run counts both.
    state = distributed(
        *items,
        FAIL_ON_TWO,
        ItemSelector={"item": "{% $states.context.Map.Item.Value %}"},
        ToleratedFailurePercentage=25,
        Label="Quarter",
    )
    result = aws.execute(single(state))
    assert [output["item"] for output in result["output"]] == [0, 1, 3]
    states = aws.client("stepfunctions")
    (run,) = states.list_map_runs(executionArn=result["executionArn"])["mapRuns"]
    counts = states.describe_map_run(mapRunArn=run["mapRunArn"])["itemCounts"]
    assert (counts["total"], counts["succeeded"], counts["failed"], counts["running"]) == (4, 3, 1, 0)


def test_inline_map_reads_outer_variables_and_shapes_its_output(aws: Emulator) -> None:
    # Given an inline map, Then its processor reads the parent's variable and Output sees all results.
    state = {
        "Type": "Map",
        "Items": "{% $states.input.list %}",
        "ItemSelector": {"value": "{% $states.context.Map.Item.Value %}", "all": "{% $count($states.input.list) %}"},
        "MaxConcurrency": 1,
        "ItemProcessor": child(
            {"Type": "Pass", "Output": "{% $states.input.value * $factor + $states.input.all %}", "End": True}
        ),
        "Output": {"sum": "{% $sum($states.result) %}"},
        "End": True,
    }
    definition = single({"Type": "Pass", "Assign": {"factor": 10}, "Next": "Map"}, Map=state)
    assert aws.execute(definition, {"list": [1, 2]})["output"] == {"sum": 34}


def test_reserved_error_leaves_an_inline_map_and_is_caught(aws: Emulator) -> None:
    # Given an expression that fails within a map, Then the map's Catch gets its States.* name.
    state = {
        "Type": "Map",
        "Items": [1],
        "ItemProcessor": child({"Type": "Pass", "Output": "{% $nothing %}", "End": True}),
        "Catch": [{"ErrorEquals": ["States.ALL"], "Output": "{% $states.errorOutput.Error %}", "Next": "Caught"}],
        "End": True,
    }
    result = aws.execute(single(state, Caught={"Type": "Pass", "End": True}))
    assert result["output"] == "States.QueryEvaluationError"


def test_sdk_integration_returns_text_and_names_errors(aws: Emulator, items: tuple[str, str]) -> None:
    # Given aws-sdk:s3:getObject, Then Body is text that JSONata parses, and a missing key is S3.NoSuchKeyException.
    read = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
        "Arguments": {"Bucket": items[0], "Key": "{% $states.input.key %}"},
        "Output": {"items": "{% $parse($states.result.Body) %}", "modified": "{% $states.result.LastModified %}"},
        "End": True,
    }
    output = aws.execute(single(read), {"key": items[1]})["output"]
    assert output["items"] == [0, 1, 2, 3]
    assert output["modified"].endswith("Z")
    assert aws.execute(single(read), {"key": "none"})["error"] == "S3.NoSuchKeyException"


def test_sdk_integration_names_cloudformations_errors(aws: Emulator) -> None:
    # Given a stack that does not exist, Then the error is one that a Catch can name.
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:cloudformation:describeStacks",
        "Arguments": {"StackName": "none"},
        "End": True,
    }
    assert aws.execute(single(state))["error"] == "CloudFormation.CloudFormationException"


def test_retry_counts_and_notification(aws: Emulator) -> None:
    # Given a task that always fails and two retries, Then Catch sees RetryCount 2, and sns:publish works.
    topic = aws.client("sns").create_topic(Name="news")["TopicArn"]
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
        "Arguments": {"Bucket": "none", "Key": "none"},
        "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "BackoffRate": 1, "MaxAttempts": 2}],
        "Catch": [
            {
                "ErrorEquals": ["States.ALL"],
                "Output": "{% $states.context.State.RetryCount %}",
                "Next": "Notify",
            }
        ],
        "End": True,
    }
    notify = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sns:publish",
        "Arguments": {"TopicArn": topic, "Message": "{% $string($states.input) %}"},
        "Output": {"retries": "{% $states.input %}", "message": "{% $states.result.MessageId %}"},
        "End": True,
    }
    output = aws.execute(single(state, Notify=notify))["output"]
    assert output["retries"] == 2
    assert output["message"]


def test_history_and_stop(aws: Emulator) -> None:
    # Given a waiting execution, When it is stopped, Then it is ABORTED at once and its history tells when it entered.
    states = aws.client("stepfunctions")
    definition = {
        "QueryLanguage": "JSONata",
        **single({"Type": "Wait", "Seconds": "{% 600 %}", "Next": "Done"}, Done=END),
    }
    machine = states.create_state_machine(name="waits", definition=json.dumps(definition), roleArn=ROLE)
    execution = states.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
    assert states.list_map_runs(executionArn=execution)["mapRuns"] == []
    events = aws.wait_for(
        lambda: states.get_execution_history(executionArn=execution)["events"],
        lambda found: any(event["type"] == "WaitStateEntered" for event in found),
    )
    entered = next(event for event in events if event["type"] == "WaitStateEntered")
    assert entered["stateEnteredEventDetails"]["name"] == "First"
    assert abs(entered["timestamp"].timestamp() - time.time()) < 60
    states.stop_execution(executionArn=execution)
    assert states.describe_execution(executionArn=execution)["status"] == "ABORTED"


def test_queries_are_answered_while_a_large_definition_is_read(aws: Emulator) -> None:
    # Given a machine that takes a while to parse, When its execution is asked about at once, Then there is an answer.
    states = aws.client("stepfunctions")
    passes = {f"S{number}": {"Type": "Pass", "Next": f"S{number + 1}"} for number in range(300)}
    definition = json.dumps({"QueryLanguage": "JSONata", "StartAt": "S0", "States": {**passes, "S300": END}})
    machine = states.create_state_machine(name="large", definition=definition, roleArn=ROLE)["stateMachineArn"]
    execution = states.start_execution(stateMachineArn=machine)["executionArn"]
    assert states.list_map_runs(executionArn=execution)["mapRuns"] == []


def test_unsupported_sagemaker_action_is_refused(aws: Emulator) -> None:
    # Given an action that SageMaker's integration does not have, Then the machine is not created.
    states = aws.client("stepfunctions")
    task = single({"Type": "Task", "Resource": "arn:aws:states:::sagemaker:createDream.sync", "End": True})
    with pytest.raises(ClientError, match=r"createDream\.sync is not recognized\."):
        states.create_state_machine(name="dream", definition=json.dumps(task), roleArn=ROLE)
