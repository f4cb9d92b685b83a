"""Repairs of moto's Step Functions interpreter that concern every execution."""

from __future__ import annotations

import contextlib
import datetime
import json
from typing import Any

from moto.core.config import default_user_config
from moto.stepfunctions.parser.api import ExecutionStatus, HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.error_equals_decl import ErrorEqualsDecl
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.state import state as state_module
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded, ProgramError, ProgramStopped
from moto.stepfunctions.parser.backend import execution_worker
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

_TOO_LARGE = StatesErrorName(typ=StatesErrorNameType.StatesStatesDataLimitExceeded)
_RUNTIME = StatesErrorName(typ=StatesErrorNameType.StatesRuntime)


def execute_state_machines() -> None:
    """Let executions run: by default moto only writes them down."""
    default_user_config["stepfunctions"] = {"execute_state_machine": True}


def complete_the_context() -> None:
    """Write the context's times as ``2026-01-31T12:00:00.000Z`` and the number of redrives.

    moto gives one time as microseconds, one as no JSON, and no redrives.
    """
    start_details, execution_data = Execution.get_start_execution_details, execution_worker.ExecutionData

    def details(self: Execution) -> Any:
        result = start_details(self)
        result.start_time = _timestamp(self.start_date)
        return result

    def state_data(*, EnteredTime: str, Name: str) -> dict[str, str]:
        return {"EnteredTime": _timestamp(datetime.datetime.fromisoformat(EnteredTime)), "Name": Name}

    Execution.get_start_execution_details = details
    execution_worker.ExecutionData = lambda **data: execution_data(**data, RedriveCount=0)
    state_module.StateData = state_data


def let_reserved_errors_leave_a_map() -> None:
    """Let ``States.*`` errors of a child pass through Map and Parallel: moto refuses to name them a second time."""
    CustomErrorName.__init__ = ErrorName.__init__


def match_terminal_errors_by_name_alone() -> None:
    """Keep terminal errors from ``States.ALL`` and ``States.TaskFailed``, which match every error in moto.

    Data that are too large can be caught by name; a runtime error always ends the execution.
    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
    """
    evaluate = ErrorEqualsDecl._eval_body

    def evaluate_terminal(self: ErrorEqualsDecl, env: Environment) -> None:
        error = env.stack[-1]
        if error in (_TOO_LARGE, _RUNTIME):
            env.stack[-1] = error == _TOO_LARGE and error in self.error_names
        else:
            evaluate(self, env)

    ErrorEqualsDecl._eval_body = evaluate_terminal


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
    """Report ABORTED, and why, as soon as an execution is stopped: moto waits until the running task has ended."""
    stop = Execution.stop

    def stop_now(self: Execution, stop_date: datetime.datetime, error: str | None, cause: str | None) -> None:
        stop(self, stop_date, error, cause)
        if self.exec_status == ExecutionStatus.RUNNING:
            self.error, self.cause = error, cause
            self.exec_status, self.stop_date = ExecutionStatus.ABORTED, stop_date

    Execution.stop = stop_now


def end_what_is_stopped_before_its_first_state() -> None:
    """Write the end of a history whose program was never entered: moto raises, and the history has no end."""
    evaluate = Program.eval

    def evaluate_to_the_end(self: Program, env: Environment) -> None:
        if env.is_frame():
            evaluate(self, env)
            return
        with contextlib.suppress(RuntimeError):  # it cannot set a first state
            evaluate(self, env)
        stopped = isinstance(env.program_state(), ProgramStopped)
        if stopped and env.event_manager._history_event_list[-1]["type"] != HistoryEventType.ExecutionAborted:
            self._eval_body(env)

    Program.eval = evaluate_to_the_end


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


def _timestamp(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
