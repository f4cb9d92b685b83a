"""What clients ask about executions: histories in pages, a map run's children, logs and metrics, and their end."""

from __future__ import annotations

import datetime
import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

from rehearsal.aws.stepfunctions import interpreter
from tests.rehearsal.emulator import ROLE, Emulator
from tests.rehearsal.sagemaker.jobs import ended, sleeping_job

PAUSE = {"Type": "Wait", "Seconds": 1, "Next": "Last"}
TWO_STATES = {"StartAt": "First", "States": {"First": PAUSE, "Last": {"Type": "Succeed"}}}
TYPES = ["ExecutionStarted", "WaitStateEntered", "WaitStateExited", "SucceedStateEntered", "SucceedStateExited"]


@pytest.fixture
def name() -> str:
    """A name for a state machine and its job."""
    return f"test-{uuid.uuid4().hex[:8]}"


def run(aws: Emulator, definition: dict[str, Any], name: str, **options: Any) -> dict[str, Any]:
    """Execute a machine of a name to its end; the execution's description."""
    states = aws.client("stepfunctions")
    text = json.dumps({"QueryLanguage": "JSONata", **definition})
    machine = states.create_state_machine(name=name, definition=text, roleArn=ROLE, **options)["stateMachineArn"]
    arn = states.start_execution(stateMachineArn=machine, input='{"secret": 1}')["executionArn"]
    found: dict[str, Any] = aws.wait_for(
        lambda: states.describe_execution(executionArn=arn), lambda answer: answer["status"] != "RUNNING"
    )
    return found


def test_a_history_comes_in_pages_from_either_end(aws: Emulator, name: str) -> None:
    # Given six events, When pages of four are asked for, Then both orders give each event once, data only if wanted.
    states, arn = aws.client("stepfunctions"), run(aws, TWO_STATES, name)["executionArn"]
    types = [*TYPES, "ExecutionSucceeded"]
    first = states.get_execution_history(executionArn=arn, maxResults=4)
    rest = states.get_execution_history(executionArn=arn, maxResults=4, nextToken=first["nextToken"])
    assert [event["type"] for event in first["events"]] == types[:4]
    assert [event["type"] for event in rest["events"]] == types[4:]
    assert "nextToken" not in rest
    last = states.get_execution_history(executionArn=arn, reverseOrder=True, maxResults=2, includeExecutionData=False)
    assert [event["type"] for event in last["events"]] == types[:-3:-1]
    assert "output" not in last["events"][0]["executionSucceededEventDetails"]
    with pytest.raises(states.exceptions.InvalidToken):
        states.get_execution_history(executionArn=arn, nextToken="none")


def test_a_map_runs_children_are_executions(aws: Emulator, name: str) -> None:
    # Given a map run of three items of which one fails, Then its children are executions with their own statuses.
    choice = {"Condition": "{% $states.input = 2 %}", "Next": "Broken"}
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Choose",
        "States": {
            "Choose": {"Type": "Choice", "Choices": [choice], "Default": "Fine"},
            "Broken": {"Type": "Fail", "Error": "Broken"},
            "Fine": {"Type": "Succeed"},
        },
    }
    state = {
        "Type": "Map",
        "Label": "Three",
        "Items": [1, 2, 3],
        "ItemProcessor": processor,
        "ToleratedFailureCount": 1,
        "End": True,
    }
    states = aws.client("stepfunctions")
    execution = run(aws, {"StartAt": "Map", "States": {"Map": state}}, name)
    (map_run,) = states.list_map_runs(executionArn=execution["executionArn"])["mapRuns"]
    arn = map_run["mapRunArn"]
    pages = states.get_paginator("list_executions").paginate(mapRunArn=arn, maxResults=2)
    listed = [child for page in pages for child in page["executions"]]
    assert sorted(child["status"] for child in listed) == ["FAILED", "SUCCEEDED", "SUCCEEDED"]
    assert {child["mapRunArn"] for child in listed} == {arn}
    assert all(f":execution:{name}/Three:" in child["executionArn"] and child["stopDate"] for child in listed)
    (broken,) = states.list_executions(mapRunArn=arn, statusFilter="FAILED")["executions"]
    described = states.describe_execution(executionArn=broken["executionArn"])
    assert (described["input"], described["status"], described["error"]) == ("2", "FAILED", "Broken")
    events = states.get_execution_history(executionArn=broken["executionArn"])["events"]
    assert [event["type"] for event in events] == [
        *("ExecutionStarted", "ChoiceStateEntered", "ChoiceStateExited", "FailStateEntered", "ExecutionFailed")
    ]
    assert [event["id"] for event in events] == [1, 2, 3, 4, 5]
    assert (described["redriveCount"], described["redriveStatus"]) == (0, "REDRIVABLE_BY_MAP_RUN")
    fine = next(child for child in listed if child["status"] == "SUCCEEDED")
    described = states.describe_execution(executionArn=fine["executionArn"])
    assert described["output"] == described["input"]
    last = states.get_execution_history(executionArn=fine["executionArn"], reverseOrder=True)["events"][0]
    assert last["executionSucceededEventDetails"]["output"] == described["output"]
    with pytest.raises(states.exceptions.ExecutionDoesNotExist):
        states.describe_execution(executionArn=f"{fine['executionArn']}x")
    with pytest.raises(ClientError, match="ResourceNotFound"):
        states.list_executions(mapRunArn=f"{arn}x")


def test_a_child_of_a_map_run_can_be_stopped(aws: Emulator, name: str) -> None:
    # Given a map run whose child waits, When the child is stopped, Then it is aborted with the words given.
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Wait",
        "States": {"Wait": {"Type": "Wait", "Seconds": 600, "End": True}},
    }
    state = {"Type": "Map", "Items": [1], "ItemProcessor": processor, "ToleratedFailureCount": 1, "End": True}
    states = aws.client("stepfunctions")
    definition = json.dumps({"QueryLanguage": "JSONata", "StartAt": "Map", "States": {"Map": state}})
    machine = states.create_state_machine(name=name, definition=definition, roleArn=ROLE)["stateMachineArn"]
    arn = states.start_execution(stateMachineArn=machine)["executionArn"]
    (run_of_map,) = aws.wait_for(lambda: states.list_map_runs(executionArn=arn)["mapRuns"], bool)
    of_map = {"mapRunArn": run_of_map["mapRunArn"]}
    (child,) = aws.wait_for(lambda: states.list_executions(**of_map)["executions"], bool)
    states.stop_execution(executionArn=child["executionArn"], error="Mine", cause="Enough")
    aws.wait_for(lambda: states.describe_execution(executionArn=arn), lambda answer: answer["status"] == "SUCCEEDED")
    described = states.describe_execution(executionArn=child["executionArn"])
    assert (described["status"], described["error"], described["cause"]) == ("ABORTED", "Mine", "Enough")
    assert described["mapRunArn"] == of_map["mapRunArn"]
    last = states.get_execution_history(executionArn=child["executionArn"], reverseOrder=True)["events"][0]
    assert (last["type"], last["executionAbortedEventDetails"]["error"]) == ("ExecutionAborted", "Mine")


def test_a_stopped_task_does_not_succeed(aws: Emulator, name: str) -> None:
    # Given an execution that waits for a job, When it is stopped, Then its history ends without the task's success.
    states, sagemaker = aws.client("stepfunctions"), aws.client("sagemaker")
    resource = "arn:aws:states:::sagemaker:createProcessingJob.sync"
    job = {"Type": "Task", "Resource": resource, "Arguments": sleeping_job(name), "End": True}
    definition = json.dumps({"QueryLanguage": "JSONata", "StartAt": "Job", "States": {"Job": job}})
    machine = states.create_state_machine(name=name, definition=definition, roleArn=ROLE)["stateMachineArn"]
    arn = states.start_execution(stateMachineArn=machine)["executionArn"]

    def types() -> list[str]:
        return [event["type"] for event in states.get_execution_history(executionArn=arn)["events"]]

    aws.wait_for(types, lambda found: "TaskSubmitted" in found)
    running = states.describe_execution(executionArn=arn)
    states.stop_execution(executionArn=arn)
    ended(sagemaker, "ProcessingJob", name, "Stopped")
    history = aws.wait_for(types, lambda found: "ExecutionAborted" in found)
    assert history[-2:] == ["TaskSubmitted", "ExecutionAborted"]
    reason = "Execution is RUNNING and cannot be redriven"
    assert (running["redriveStatus"], running["redriveStatusReason"]) == ("NOT_REDRIVABLE", reason)
    assert states.describe_execution(executionArn=arn)["redriveStatus"] == "REDRIVABLE"


def test_an_execution_tells_whether_it_can_be_redriven(aws: Emulator, name: str) -> None:
    # Given an execution that succeeded, Then it was never redriven and cannot be.
    states, described = aws.client("stepfunctions"), run(aws, TWO_STATES, name)
    reason = "Execution is SUCCEEDED and cannot be redriven"
    assert (described["redriveCount"], described["redriveStatus"]) == (0, "NOT_REDRIVABLE")
    assert described["redriveStatusReason"] == reason
    (listed,) = states.list_executions(stateMachineArn=described["stateMachineArn"])["executions"]
    assert listed["redriveCount"] == 0


def test_what_is_no_arn_is_refused_by_its_prefix(aws: Emulator) -> None:
    # When an execution is asked for by no ARN, Then AWS's sentence says so.
    with pytest.raises(ClientError, match=r"\(InvalidArn\).*: Invalid Arn: 'Invalid ARN prefix: foo'$"):
        aws.client("stepfunctions").describe_execution(executionArn="foo")


def test_what_is_stopped_before_its_first_state_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given an execution that was stopped while its definition was read, Then its history ends as aborted.
    monkeypatch.setattr(Program, "eval", Program.eval)
    interpreter.end_what_is_stopped_before_its_first_state()
    start = EventHistoryContext.of_program_start()
    env = Environment(None, "STANDARD", {"Execution": {"Input": {}}}, start, None, {})
    env.next_state_name = "First"
    env.event_manager.add_event(start, HistoryEventType.ExecutionStarted)
    env.set_stop(datetime.datetime.now(tz=datetime.UTC), "Enough", "Mine")
    program, _ = AmazonStateLanguageParser.parse(json.dumps(TWO_STATES))
    program.eval(env)
    last = env.event_manager.get_event_history()[-1]
    assert last["executionAbortedEventDetails"] == {"error": "Mine", "cause": "Enough"}


def test_an_execution_is_logged_and_counted_without_its_data(aws: Emulator, name: str) -> None:
    # Given a machine that logs everything but data, Then its group has each event, and CloudWatch counts the execution.
    logs, group = aws.client("logs"), f"/aws/vendedlogs/states/{name}"
    logs.create_log_group(logGroupName=group)
    place = f"arn:aws:logs:us-east-1:123456789012:log-group:{group}:*"
    destinations = [{"cloudWatchLogsLogGroup": {"logGroupArn": place}}]
    logging = {"level": "ALL", "includeExecutionData": False, "destinations": destinations}
    execution = run(aws, TWO_STATES, name, loggingConfiguration=logging)
    told = aws.wait_for(
        lambda: [json.loads(event["message"]) for event in logs.filter_log_events(logGroupName=group)["events"]],
        lambda events: len(events) == len(TYPES) + 1,
    )
    assert [event["type"] for event in told] == [*TYPES, "ExecutionSucceeded"]
    assert {event["execution_arn"] for event in told} == {execution["executionArn"]}
    assert told[0]["details"] == {"roleArn": ROLE}
    assert "secret" not in json.dumps(told)

    def total(metric: str) -> float:
        now = datetime.datetime.now(tz=datetime.UTC)
        answer = aws.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/States",
            MetricName=metric,
            Dimensions=[{"Name": "StateMachineArn", "Value": execution["stateMachineArn"]}],
            StartTime=now - datetime.timedelta(hours=1),
            EndTime=now + datetime.timedelta(hours=1),
            Period=7200,
            Statistics=["Sum"],
        )
        return sum(point["Sum"] for point in answer["Datapoints"])

    assert aws.wait_for(lambda: total("ExecutionsSucceeded"), bool) == 1
    assert (total("ExecutionsStarted"), total("ExecutionsFailed")) == (1, 0)


def test_deleting_a_machine_aborts_its_executions_and_stops_their_jobs(aws: Emulator, name: str) -> None:
    # Given an execution that waits for a job, When its machine is deleted, Then the job is stopped.
    states, sagemaker = aws.client("stepfunctions"), aws.client("sagemaker")
    job = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createProcessingJob.sync",
        "Arguments": sleeping_job(name),
        "End": True,
    }
    definition = json.dumps({"QueryLanguage": "JSONata", "StartAt": "Job", "States": {"Job": job}})
    machine = states.create_state_machine(name=name, definition=definition, roleArn=ROLE)["stateMachineArn"]
    states.start_execution(stateMachineArn=machine)
    aws.wait_for(lambda: sagemaker.list_processing_jobs(NameContains=name)["ProcessingJobSummaries"], bool)
    states.delete_state_machine(stateMachineArn=machine)
    # The request has been made by the time that the deletion is answered: a role may be deleted next.
    status = sagemaker.describe_processing_job(ProcessingJobName=name)["ProcessingJobStatus"]
    assert status in ("Stopping", "Stopped")
    ended(sagemaker, "ProcessingJob", name, "Stopped")


@pytest.mark.parametrize(
    "operation", ["describe_execution", "describe_state_machine_for_execution", "get_execution_history"]
)
def test_an_execution_that_there_is_not_is_named_by_the_models_error(aws: Emulator, operation: str, name: str) -> None:
    states = aws.client("stepfunctions")
    with pytest.raises(states.exceptions.ExecutionDoesNotExist):
        getattr(states, operation)(executionArn=f"arn:aws:states:us-east-1:123456789012:execution:{name}:{name}")
