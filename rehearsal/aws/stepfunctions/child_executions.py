"""The executions that a Distributed Map starts for its items, as clients see them: moto shows none."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.stepfunctions.parser.api import (
    ExecutionStartedEventDetails,
    ExecutionStatus,
    HistoryEventExecutionDataDetails,
    HistoryEventType,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor.map_run_record import (
    MapRunRecord,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse

from rehearsal.aws.pages import page


@dataclass
class ChildExecution:
    """One item's execution, with the names that moto's own executions have."""

    record: MapRunRecord
    execution_arn: str
    env: Environment
    execution_input: str
    status: ExecutionStatus = ExecutionStatus.RUNNING
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    start_date: datetime.datetime = field(default_factory=lambda: datetime.datetime.now(datetime.UTC))
    stop_date: datetime.datetime | None = None
    output_details: None = None

    @property
    def name(self) -> str:
        """What stands behind the last colon of the ARN."""
        return self.execution_arn.rpartition(":")[2]

    @property
    def state_machine_arn(self) -> str:
        """The state machine's ARN with the map's label behind it."""
        return str(self.record.map_state_machine_arn)

    @property
    def map_run_arn(self) -> str:
        """The map run that this is a child of."""
        return str(self.record.map_run_arn)

    def begin(self) -> None:
        """Begin the history."""
        details = ExecutionStartedEventDetails(
            input=self.execution_input,
            inputDetails=HistoryEventExecutionDataDetails(truncated=False),
            roleArn=self.env.aws_execution_details.role_arn,
        )
        self.env.event_manager.add_event(
            self.env.event_history_context,
            HistoryEventType.ExecutionStarted,
            EventDetails(executionStartedEventDetails=details),
            update_source_event_id=False,
        )

    def end(
        self, status: ExecutionStatus, output: Any = None, error: str | None = None, cause: str | None = None
    ) -> None:
        """Note how it has ended; the status last, for those who wait for it."""
        self.stop_date = datetime.datetime.now(datetime.UTC)
        if status == ExecutionStatus.SUCCEEDED:
            self.output = to_json_str(output)
        else:
            self.error, self.cause = error, cause
        self.status = status

    def stop(self, stop_date: datetime.datetime, error: str | None, cause: str | None) -> None:
        """StopExecution of one child."""
        self.env.set_stop(stop_date=stop_date, error=error, cause=cause)
        self.stop_date = stop_date

    def to_history_output(self) -> dict[str, Any]:
        """GetExecutionHistory's answer."""
        return {"events": self.env.event_manager.get_event_history()}

    def listed(self) -> dict[str, Any]:
        """What ListExecutions tells."""
        told = {
            "executionArn": self.execution_arn,
            "stateMachineArn": self.state_machine_arn,
            "mapRunArn": self.map_run_arn,
            "name": self.name,
            "status": self.status,
            "startDate": self.start_date,
            "stopDate": self.stop_date,
        }
        return {name: value for name, value in told.items() if value is not None}


def begin(record: MapRunRecord, execution_arn: str, env: Environment, value: Any) -> ChildExecution:
    """A new child of a map run, that will run in an environment of its own with ``value`` as its input."""
    child = ChildExecution(record, execution_arn, env, to_json_str(value))
    child.begin()
    _children(record).append(child)
    return child


def show_to_clients() -> None:
    """Let clients list, describe, follow and stop the children of map runs."""
    list_of_machine, describe = StepFunctionResponse.list_executions, StepFunctionResponse.describe_execution
    find = StepFunctionsParserBackend.describe_execution

    def list_executions(self: StepFunctionResponse) -> ActionResult:
        arn, wanted = self._get_param("mapRunArn"), self._get_param("statusFilter")
        if not arn:
            return list_of_machine(self)
        found = [
            child for child in _children(_map_run(self.stepfunction_backend, arn)) if wanted in (None, child.status)
        ]
        found.sort(key=lambda child: child.start_date, reverse=True)
        shown, token = page(found, self._get_param("maxResults"), self._get_param("nextToken"))
        return ActionResult({"executions": [child.listed() for child in shown], "nextToken": token})

    def describe_execution(self: StepFunctionResponse) -> ActionResult:
        execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        told = describe(self).result | {"mapRunArn": getattr(execution, "map_run_arn", None)}
        return ActionResult(
            told | {f"{data}Details": {"included": True} for data in ("input", "output") if data in told}
        )

    def describe_also_children(self: StepFunctionsParserBackend, execution_arn: str) -> Any:
        if "/" in execution_arn:
            for record in _map_runs(self):
                for child in _children(record):
                    if child.execution_arn == execution_arn:
                        return child
        return find(self, execution_arn)

    StepFunctionResponse.list_executions = list_executions
    StepFunctionResponse.describe_execution = describe_execution
    StepFunctionsParserBackend.describe_execution = describe_also_children


def _children(record: MapRunRecord) -> list[ChildExecution]:
    kept: list[ChildExecution] = vars(record).setdefault("children", [])
    return kept


def _map_runs(backend: StepFunctionsParserBackend) -> list[MapRunRecord]:
    return [
        record
        for execution in backend._get_executions()
        for record in execution.exec_worker.env.map_run_record_pool_manager.get_all()
    ]


def _map_run(backend: StepFunctionsParserBackend, arn: str) -> MapRunRecord:
    for record in _map_runs(backend):
        if record.map_run_arn == arn:
            return record
    raise JsonRESTError("ResourceNotFound", f"Resource not found: '{arn}'")
