"""Histories in pages, errors by their names, and the end of executions whose machine is deleted."""

from __future__ import annotations

import datetime
import threading
import time
from typing import Any

from moto.core.responses import ActionResult
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse

from rehearsal.aws.pages import page

_PATIENCE_WITH_TASKS = 30.0
"""Seconds in which tasks of a deleted machine may end; a function may run on, as in AWS."""

_HIDDEN = ("input", "inputDetails", "output", "outputDetails", "parameters")


def page_through_histories() -> None:
    """Let GetExecutionHistory heed all of its parameters: moto ignores them and answers everything, oldest first."""

    def get_execution_history(self: StepFunctionResponse) -> ActionResult:
        arn = self._get_param("executionArn")
        events = self.stepfunction_backend.get_execution_history(arn)["events"]
        if self._get_param("reverseOrder"):
            events = events[::-1]
        shown, token = page(events, self._get_param("maxResults"), self._get_param("nextToken"))
        if self._get_param("includeExecutionData") is False:
            shown = [_without_data(event) for event in shown]
        return ActionResult({"events": shown, "nextToken": token})

    StepFunctionResponse.get_execution_history = get_execution_history


def name_missing_executions() -> None:
    """Let DescribeStateMachineForExecution tell of a missing one as the API's model does; moto has another name."""
    describe = StepFunctionsParserBackend.describe_state_machine_for_execution

    def describe_state_machine_for_execution(self: StepFunctionsParserBackend, execution_arn: str) -> Any:
        self.describe_execution(execution_arn)
        return describe(self, execution_arn)

    StepFunctionsParserBackend.describe_state_machine_for_execution = describe_state_machine_for_execution


def count_redrives() -> None:
    """Tell that no execution was redriven, and whether AWS would: moto says neither, and nothing is redriven here."""
    list_all, describe = StepFunctionResponse.list_executions, StepFunctionResponse.describe_execution

    def list_executions(self: StepFunctionResponse) -> ActionResult:
        answer = list_all(self).result
        return ActionResult(answer | {"executions": [item | {"redriveCount": 0} for item in answer["executions"]]})

    def describe_execution(self: StepFunctionResponse) -> ActionResult:
        answer = describe(self).result
        return ActionResult(answer | {"redriveCount": 0} | _redrive(answer["status"], bool(answer.get("mapRunArn"))))

    StepFunctionResponse.list_executions = list_executions
    StepFunctionResponse.describe_execution = describe_execution


def abort_executions_of_deleted_machines() -> None:
    """Stop what runs when a state machine is deleted, and its ``.sync`` jobs: moto lets both run on.

    DeleteStateMachine comes back when they have ended, so that the role by which jobs are stopped may go next.
    """
    start, terminated = Execution.start, BaseExecutionWorkerCommunication.terminated
    delete_machine = StepFunctionsParserBackend.delete_state_machine

    def start_with_end(self: Execution) -> None:
        self.ended = threading.Event()
        start(self)

    def terminated_with_end(self: BaseExecutionWorkerCommunication) -> None:
        terminated(self)
        self.execution.ended.set()

    def delete_state_machine(self: StepFunctionsParserBackend, arn: str) -> None:
        machine = next((machine for machine in self.state_machines if machine.arn == arn), None)
        running = [run for run in machine.executions if run.exec_status == ExecutionStatus.RUNNING] if machine else []
        deadline = time.monotonic() + _PATIENCE_WITH_TASKS
        for execution in running:
            execution.stop(datetime.datetime.now(tz=datetime.UTC), None, None)
        for execution in running:
            execution.ended.wait(max(deadline - time.monotonic(), 0))
        delete_machine(self, arn)

    Execution.start = start_with_end
    BaseExecutionWorkerCommunication.terminated = terminated_with_end
    StepFunctionsParserBackend.delete_state_machine = delete_state_machine


def _redrive(status: str, is_child: bool) -> dict[str, str]:
    if status in (ExecutionStatus.RUNNING, ExecutionStatus.SUCCEEDED):
        reason = f"Execution is {ExecutionStatus(status).value} and cannot be redriven"
        return {"redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": reason}
    return {"redriveStatus": "REDRIVABLE_BY_MAP_RUN" if is_child else "REDRIVABLE"}


def _without_data(event: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {key: member for key, member in value.items() if key not in _HIDDEN} if isinstance(value, dict) else value
        for name, value in event.items()
    }
