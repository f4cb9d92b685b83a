"""How a state fails: the errors that this package raises in moto's interpreter, and what every error says."""

from __future__ import annotations

from typing import Any

from moto.stepfunctions.parser.api import (
    EvaluationFailedEventDetails,
    ExecutionFailedEventDetails,
    HistoryEventType,
)
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

from rehearsal.aws.stepfunctions import entry

_EVALUATION_FAILED = "evaluationFailedEventDetails"
_SENTENCE = "An error occurred while executing the state '"


def failed(
    env: Environment,
    error: StatesErrorNameType | ErrorName,
    cause: str,
    event: HistoryEventType = HistoryEventType.TaskFailed,
) -> FailureEventException:
    """A state's failure, to be raised."""
    name = error if isinstance(error, ErrorName) else StatesErrorName(typ=error)
    details = ExecutionFailedEventDetails(error=name.error_name, cause=cause)
    return FailureEventException(FailureEvent(env, name, event, EventDetails(executionFailedEventDetails=details)))


def query_failed(env: Environment, cause: str, location: str) -> FailureEventException:
    """``States.QueryEvaluationError``, to be raised; ``location`` is the field in its state, as ``Output/total``."""
    name = StatesErrorName(typ=StatesErrorNameType.StatesQueryEvaluationError)
    details = EvaluationFailedEventDetails(error=name.error_name, location=location)
    failure = FailureEvent(
        env, name, HistoryEventType.EvaluationFailed, EventDetails(evaluationFailedEventDetails=details)
    )
    details["state"] = failure.state_name
    details["cause"] = f"{_SENTENCE}{failure.state_name}' (entered at the event id #{failure.source_event_id}). {cause}"
    return FailureEventException(failure)


def name_the_state_and_its_event() -> None:
    """Name the state that failed and the event at which it was entered.

    moto names none inside of a Map, the last event instead of the first after a retry, and both again for each Map that
    the failure leaves.
    """
    initialise = FailureEvent.__init__
    details = FailureEventException.get_execution_failed_event_details

    def initialise_with_entry(self: FailureEvent, env: Environment, *args: Any, **kwargs: Any) -> None:
        initialise(self, env, *args, **kwargs)
        if entered := entry.of(env):
            self.state_name, self.source_event_id = entered.state, entered.event

    def details_named_once(self: FailureEventException) -> Any:
        error, cause = self.extract_error_cause_pair() or (None, None)
        if cause and cause.startswith(_SENTENCE):
            return ExecutionFailedEventDetails(error=error, cause=cause)
        return details(self)

    FailureEvent.__init__ = initialise_with_entry
    FailureEventException.get_execution_failed_event_details = details_named_once


def write_failed_evaluations_down() -> None:
    """Put ``EvaluationFailed`` into the history for every type of state, with state and place: moto does for some."""
    evaluate = CommonStateField._eval_body

    def evaluate_and_write(self: CommonStateField, env: Environment) -> None:
        try:
            evaluate(self, env)
        except FailureEventException as failure:
            event = failure.failure_event
            # Those that moto has written are followed by no more than the end of their Map.
            written = [last.get(_EVALUATION_FAILED) for last in env.event_manager._history_event_list[-3:]]
            if (event.event_details or {}).get(_EVALUATION_FAILED) not in [None, *written]:
                env.event_manager.add_event(env.event_history_context, event.event_type, event.event_details)
            raise

    CommonStateField._eval_body = evaluate_and_write
    FailureEventException.get_evaluation_failed_event_details = lambda self: self.failure_event.event_details[
        _EVALUATION_FAILED
    ]
