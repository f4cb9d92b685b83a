"""Repairs of moto's Step Functions interpreter that concern every execution."""

from __future__ import annotations

import datetime
import json
import uuid
from typing import Any

from moto.core.config import default_user_config
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.state import state as state_module
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded, ProgramError
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.models import StepFunctionsParserBackend


def execute_state_machines() -> None:
    """Let executions run: by default moto only writes them down."""
    default_user_config["stepfunctions"] = {"execute_state_machine": True}


def name_executions() -> None:
    """Name an execution that was started without a name by a UUID, as AWS does: moto names it ``None``."""
    start_execution = StepFunctionsParserBackend.start_execution

    def start(self: StepFunctionsParserBackend, arn: str, name: str | None = None, *args: Any, **kwargs: Any) -> Any:
        return start_execution(self, arn, name or str(uuid.uuid4()), *args, **kwargs)

    StepFunctionsParserBackend.start_execution = start


def write_times_as_aws_does() -> None:
    """Write the context's times as ``2026-01-31T12:00:00.000Z``: moto gives one as microseconds, one as no JSON."""
    start_details = Execution.get_start_execution_details

    def details(self: Execution) -> Any:
        result = start_details(self)
        result.start_time = _timestamp(self.start_date)
        return result

    def state_data(*, EnteredTime: str, Name: str) -> dict[str, str]:
        return {"EnteredTime": _timestamp(datetime.datetime.fromisoformat(EnteredTime)), "Name": Name}

    Execution.get_start_execution_details = details
    state_module.StateData = state_data


def let_reserved_errors_leave_a_map() -> None:
    """Let ``States.*`` errors of a child pass through Map and Parallel: moto refuses to name them a second time."""
    CustomErrorName.__init__ = ErrorName.__init__


def answer_queries_from_the_first_moment() -> None:
    """Make an execution's environment before its thread starts: until then StopExecution and ListMapRuns answer 500."""
    start = ExecutionWorker.start

    def start_with_environment(self: ExecutionWorker) -> None:
        environment = self._get_evaluation_environment()
        self.env = environment
        self._get_evaluation_environment = lambda: environment
        start(self)

    ExecutionWorker.start = start_with_environment


def abort_at_once() -> None:
    """Report ABORTED as soon as an execution is stopped: moto waits until the running task has ended."""
    stop = Execution.stop

    def stop_now(self: Execution, stop_date: datetime.datetime, error: str | None, cause: str | None) -> None:
        stop(self, stop_date, error, cause)
        if self.exec_status == ExecutionStatus.RUNNING:
            self.exec_status, self.stop_date = ExecutionStatus.ABORTED, stop_date

    Execution.stop = stop_now


def end_with_a_complete_answer() -> None:
    """Write output, error and cause before the status, and the output as JSON.

    A client that polls moto at the wrong moment sees SUCCEEDED without an output. A text comes without quotes, null not
    at all.
    """
    reflect = BaseExecutionWorkerCommunication._reflect_execution_status

    def reflect_status_last(self: BaseExecutionWorkerCommunication) -> None:
        execution, env = self.execution, self.execution.exec_worker.env
        end = env.program_state()
        if isinstance(end, ProgramEnded):
            execution.output = json.dumps(env.states.get_input())
            execution.stop_date = datetime.datetime.now(tz=datetime.UTC)
            execution.exec_status = ExecutionStatus.SUCCEEDED
            return
        if isinstance(end, ProgramError):
            execution.error, execution.cause = end.error.get("error"), end.error.get("cause")
        reflect(self)

    BaseExecutionWorkerCommunication._reflect_execution_status = reflect_status_last


def assign_for_the_next_state() -> None:
    """Make assigned variables visible from the next state on, as AWS does.

    moto assigns before it evaluates ``Output``, which hides expressions that would read the old value in the cloud.
    """
    evaluate = CommonStateField._eval_body

    def evaluate_with_entry_scope(self: CommonStateField, env: Environment) -> None:
        env.variable_store.at_entry = env.variable_store._outer_scope | env.variable_store._inner_scope
        evaluate(self, env)

    CommonStateField._eval_body = evaluate_with_entry_scope


def _timestamp(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
