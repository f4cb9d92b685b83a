"""Operations on executions that clients use and moto answers in part, and the end of those whose machine is deleted."""

from __future__ import annotations

import base64
import binascii
import datetime
import threading
import time
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor.map_run_record import (
    MapRunRecord,
)
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse

_PAGE = 100
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
        page, token = _page(events, self._get_param("maxResults"), self._get_param("nextToken"))
        if self._get_param("includeExecutionData") is False:
            page = [_without_data(event) for event in page]
        return ActionResult({"events": page, "nextToken": token})

    StepFunctionResponse.get_execution_history = get_execution_history


def list_children_of_map_runs() -> None:
    """Answer ListExecutions of a map run: moto knows state machines alone."""
    list_of_machine = StepFunctionResponse.list_executions

    def list_executions(self: StepFunctionResponse) -> ActionResult:
        arn, wanted = self._get_param("mapRunArn"), self._get_param("statusFilter")
        if not arn:
            return list_of_machine(self)
        record = _map_run(self.stepfunction_backend, arn)
        found = [child for child in _children(record) if wanted in (None, child["status"])]
        found.sort(key=lambda child: child["startDate"], reverse=True)
        page, token = _page(found, self._get_param("maxResults"), self._get_param("nextToken"))
        return ActionResult({"executions": page, "nextToken": token})

    StepFunctionResponse.list_executions = list_executions


def add_child(record: MapRunRecord, arn: str) -> dict[str, Any]:
    """Note that a child execution has started; what ListExecutions tells of it."""
    told = {
        "executionArn": arn,
        "stateMachineArn": record.map_state_machine_arn,
        "mapRunArn": record.map_run_arn,
        "name": arn.rpartition(":")[2],
        "status": "RUNNING",
        "startDate": datetime.datetime.now(tz=datetime.UTC),
    }
    _children(record).append(told)
    return told


def end_child(told: dict[str, Any], error: str | None) -> None:
    """Note how a child execution has ended: ``error`` names its failure, None is success."""
    told["stopDate"] = datetime.datetime.now(tz=datetime.UTC)
    told["status"] = "SUCCEEDED" if error is None else "ABORTED" if error == "States.Aborted" else "FAILED"


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


def _children(record: MapRunRecord) -> list[dict[str, Any]]:
    kept: list[dict[str, Any]] = vars(record).setdefault("children", [])
    return kept


def _map_run(backend: StepFunctionsParserBackend, arn: str) -> MapRunRecord:
    for execution in backend._get_executions():
        if record := execution.exec_worker.env.map_run_record_pool_manager.get(arn):
            return record
    raise JsonRESTError("ResourceNotFound", f"Resource not found: '{arn}'")


def _page(found: list[Any], limit: int | None, token: str | None) -> tuple[list[Any], str | None]:
    """One page, and the token of the next. A limit of 0 is the default, as AWS documents."""
    try:
        first = int(base64.b64decode(token)) if token else 0
    except (ValueError, binascii.Error) as error:
        raise JsonRESTError("InvalidToken", f"Invalid Token: '{token}'") from error
    last = first + int(limit or _PAGE)
    return found[first:last], base64.b64encode(str(last).encode()).decode() if last < len(found) else None


def _without_data(event: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {key: member for key, member in value.items() if key not in _HIDDEN} if isinstance(value, dict) else value
        for name, value in event.items()
    }
