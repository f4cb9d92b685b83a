"""JSONata for moto's Step Functions interpreter, which comes without an engine.

moto pastes every variable into the text of each expression: strings unescaped, large documents parsed again and again.
Here an expression is evaluated by the ``jsonata-python`` package with its variables bound as values.
"""

from __future__ import annotations

import hashlib
import json
import random
import uuid
from collections.abc import Mapping
from typing import Any

from jsonata.jexception import JException
from jsonata.jsonata import Jsonata
from jsonata.utils import Utils
from moto.stepfunctions.parser.api import EvaluationFailedEventDetails, HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

_HASHES = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


class QueryEvaluationError(Exception):
    """An expression that Step Functions would answer with ``States.QueryEvaluationError``."""


def evaluate(expression: str, variables: Mapping[str, Any]) -> Any:
    """Evaluate a JSONata expression as Step Functions does.

    Parameters
    ----------
    expression
        The text between ``{%`` and ``%}``.
    variables
        JSON values by name, without the dollar sign; ``states`` among them.

    Returns
    -------
    A JSON value that shares nothing with ``variables``.

    Raises
    ------
    QueryEvaluationError
        The expression fails, returns nothing (undefined) or returns a function.
    """
    bindings = _FUNCTIONS | {name: Utils.NULL_VALUE if value is None else value for name, value in variables.items()}
    try:
        query = Jsonata(expression)
        query.set_output_convert_nulls(False)
        result = query.evaluate(None, bindings)
    except QueryEvaluationError as error:
        raise QueryEvaluationError(f"The JSONata expression '{expression}' failed: {error}") from error
    except (JException, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError) as error:
        raise QueryEvaluationError(f"The JSONata expression '{expression}' failed: {error}") from error
    if result is None:
        raise QueryEvaluationError(f"The JSONata expression '{expression}' returned nothing (undefined).")
    try:
        return json.loads(json.dumps(_plain(result), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise QueryEvaluationError(
            f"The JSONata expression '{expression}' returned an unsupported result type."
        ) from error


def evaluate_with_bound_variables() -> None:
    """Give moto's interpreter an engine: without one it fails at the first expression ('NoneType' is not callable)."""
    StringJSONata._eval_body = _evaluate_in


def _evaluate_in(self: StringJSONata, env: Environment) -> None:
    store = env.variable_store
    # The interpreter's repair of Assign leaves the scope that the current state began with.
    scope = getattr(store, "at_entry", store._outer_scope | store._inner_scope)
    variables = scope | {"states": env.states._states_data}
    try:
        env.stack.append(evaluate(self.expression.strip(), variables))
    except QueryEvaluationError as error:
        name = StatesErrorName(typ=StatesErrorNameType.StatesQueryEvaluationError)
        details = EvaluationFailedEventDetails(cause=str(error), error=name.error_name)
        raise FailureEventException(
            FailureEvent(
                env=env,
                error_name=name,
                event_type=HistoryEventType.EvaluationFailed,
                event_details=EventDetails(evaluationFailedEventDetails=details),
            )
        ) from error


def _plain(value: Any) -> Any:
    # The engine's sequences and ranges are list subclasses that json.dumps reads past their own iteration.
    if value is Utils.NULL_VALUE:
        return None
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_plain(value[index]) for index in range(len(value))]
    return value


def _partition(array: list[Any], size: float) -> list[list[Any]]:
    if size < 1:
        raise QueryEvaluationError(f"$partition needs a chunk size of at least 1, got {size}.")
    return [array[start : start + int(size)] for start in range(0, len(array), int(size))]


def _range(first: float, last: float, step: float) -> list[float]:
    if step == 0:
        raise QueryEvaluationError("$range needs a step other than 0.")
    count = int((last - first) / step) + 1
    return [first + index * step for index in range(max(count, 0))]


def _hash(text: str, algorithm: str) -> str:
    if algorithm not in _HASHES:
        raise QueryEvaluationError(f"$hash knows {', '.join(_HASHES)}, not '{algorithm}'.")
    return hashlib.new(_HASHES[algorithm], text.encode()).hexdigest()


def _random(seed: float | None = None) -> float:
    return random.Random(seed).random()


def _uuid() -> str:
    return str(uuid.uuid4())


def _parse(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise QueryEvaluationError(f"$parse was given no valid JSON: {error}.") from error
    return Utils.NULL_VALUE if value is None else value


def _eval(*_: Any) -> Any:
    raise QueryEvaluationError("Step Functions does not support $eval; use $parse for JSON.")


# What Step Functions adds to JSONata, and the one function that it takes away.
_FUNCTIONS = {
    name: Jsonata.JLambda(function)
    for name, function in {
        "partition": _partition,
        "range": _range,
        "hash": _hash,
        "random": _random,
        "uuid": _uuid,
        "parse": _parse,
        "eval": _eval,
    }.items()
}
