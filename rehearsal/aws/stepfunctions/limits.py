"""Quotas of Step Functions: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"""

from __future__ import annotations

import json
import sys
from typing import Any

from moto.stepfunctions.parser import quotas
from moto.stepfunctions.parser.api import ExecutionFailedEventDetails, HistoryEventType
from moto.stepfunctions.parser.asl.component.common.assign.assign_decl import AssignDecl
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.common.parargs import Parargs
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.timestamp import Timestamp
from moto.stepfunctions.parser.asl.eval.environment import Environment

from rehearsal.aws.stepfunctions import entry
from rehearsal.aws.stepfunctions.failures import failed

PAYLOAD_BYTES = 262_144
"""The largest input, output or set of assigned variables, as JSON in UTF-8."""
HISTORY_EVENTS = 25_000
"""The most events of an execution; a Distributed Map's children have histories of their own."""
WAIT_SECONDS = 2**31 - 1
"""The longest wait for a Timestamp: 24,855 days are taken, 24,856 are not (recorded)."""


def measure_what_states_pass_on() -> None:
    """Measure Arguments and assigned variables as well as results, and all of them in bytes of JSON without spaces.

    moto measures results and outputs only, with a space after each comma and colon.
    """
    measured = quotas.is_within_size_quota
    for module in list(sys.modules.values()):
        if getattr(module, "is_within_size_quota", None) is measured:
            module.is_within_size_quota = _fits  # type: ignore[attr-defined]
    give = Parargs._eval_body

    def give_measured(self: Parargs, env: Environment) -> None:
        give(self, env)
        _require_fit(env, env.stack[-1], "was given arguments")

    def assign_measured(self: AssignDecl, env: Environment) -> None:
        values: dict[str, Any] = {}
        for binding in self.declaration_bindings:
            binding.eval(env)
            values |= env.stack.pop()
        _require_fit(env, values, "assigned variables")
        for name, value in values.items():
            env.variable_store.set(name, value)

    Parargs._eval_body = give_measured
    AssignDecl._eval_body = assign_measured


def end_long_histories() -> None:
    """Fail an execution that would enter a state after its last event; moto's histories have no end."""
    evaluate = CommonStateField._eval_body

    def evaluate_while_there_is_room(self: CommonStateField, env: Environment) -> None:
        if len(env.event_manager._history_event_list) >= HISTORY_EVENTS - 1:
            cause = f"The execution reached the maximum number of history events ({HISTORY_EVENTS})."
            raise _HistoryIsFull(failed(env, StatesErrorNameType.StatesRuntime, cause).failure_event)
        evaluate(self, env)

    CommonStateField._eval_body = evaluate_while_there_is_room


def end_waits_that_are_too_long() -> None:
    """Fail a Wait for a moment further ahead than AWS counts seconds; moto waits."""
    seconds_until = Timestamp._get_wait_seconds

    def seconds_until_if_countable(self: Timestamp, env: Environment) -> int:
        seconds: int = seconds_until(self, env)
        if seconds > WAIT_SECONDS:
            cause = "Wait state delay is too long."
            raise failed(env, StatesErrorNameType.StatesRuntime, cause, HistoryEventType.ExecutionFailed)
        return seconds

    Timestamp._get_wait_seconds = seconds_until_if_countable


class _HistoryIsFull(FailureEventException):
    """Concerns no state, so its cause names none."""

    def get_execution_failed_event_details(self) -> ExecutionFailedEventDetails:
        error, cause = self.extract_error_cause_pair()
        return ExecutionFailedEventDetails(error=error, cause=cause)


def size(value: Any) -> int:
    """Bytes of a JSON value as Step Functions passes it on."""
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str).encode())


def _fits(value: Any) -> bool:
    return size(value) <= PAYLOAD_BYTES


def _require_fit(env: Environment, value: Any, what: str) -> None:
    if not _fits(value):
        state = entry.of(env)
        name = state.state if state else None
        limit = "with a size exceeding the maximum number of bytes service limit."
        error = StatesErrorNameType.StatesStatesDataLimitExceeded
        raise failed(env, error, f"The state/task '{name}' {what} {limit}")
