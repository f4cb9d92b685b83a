"""JSONata as Step Functions evaluates it, by the ``jsonata-python`` package."""

from __future__ import annotations

import hashlib
import json
import random
import re
import uuid
from collections.abc import Mapping
from copy import copy
from functools import lru_cache
from typing import Any

from jsonata.jexception import JException
from jsonata.jsonata import Jsonata
from jsonata.regex_engine import RegexFlags
from jsonata.utils import Utils

# What the engine lets through of its own faults.
_FAULTS = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError)
_HASHES = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


class QueryEvaluationError(Exception):
    """An expression that Step Functions would answer with ``States.QueryEvaluationError``."""


def evaluate(expression: str, variables: Mapping[str, Any], location: str | None = None) -> Any:
    """Evaluate a JSONata expression as Step Functions does.

    Parameters
    ----------
    expression
        The text between ``{%`` and ``%}``.
    variables
        JSON values by name, without the dollar sign; ``states`` among them.
    location
        The field that holds the expression, as ``Output/total``; named in errors.

    Returns
    -------
    A JSON value that shares nothing with ``variables``.

    Raises
    ------
    QueryEvaluationError
        The expression fails, returns nothing (undefined) or returns a function.
    """
    described = describe(expression, location)
    bindings = _FUNCTIONS | {name: Utils.NULL_VALUE if value is None else value for name, value in variables.items()}
    try:
        result = _query(expression).evaluate(None, bindings)
    except JException as error:
        raise QueryEvaluationError(f"{described} threw an error during evaluation. {error.error}: {error}") from error
    except (QueryEvaluationError, *_FAULTS) as error:
        raise QueryEvaluationError(f"{described} threw an error during evaluation. {error}") from error
    if result is None:
        raise QueryEvaluationError(f"{described} returned nothing (undefined).")
    try:
        return json.loads(json.dumps(_plain(result), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise QueryEvaluationError(f"{described} returned an unsupported result type.") from error


def _query(expression: str) -> Jsonata:
    """The expression, ready for one evaluation in this thread: of what is parsed once, the syntax tree is shared."""
    query = copy(_parsed(expression))
    query.parser = Jsonata.get_parser()
    Jsonata.CURRENT.jsonata = query
    return query


@lru_cache(maxsize=1024)
def _parsed(expression: str) -> Jsonata:
    # Parsing takes twice the time of evaluating, and a map or a poll evaluates the same again and again.
    query = Jsonata(expression, _compiled)
    query.set_output_convert_nulls(False)
    return query


def _compiled(pattern: str, flags: RegexFlags) -> re.Pattern[str]:
    # \w, \d and \s know ASCII alone in JavaScript's dialect (but for spaces) and in Java's; in Python's all of Unicode.
    ignore_case, multiline = flags.case_insensitive * re.IGNORECASE, flags.multiline * re.MULTILINE
    return re.compile(pattern, re.ASCII | ignore_case | multiline)


def describe(expression: str, location: str | None) -> str:
    """How Step Functions speaks of an expression."""
    field = f" specified for the field '{location}'" if location else ""
    return f"The JSONata expression '{expression}'{field}"


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


def _range(first: float, last: float, step: float) -> list[float] | float:
    if step == 0:
        raise QueryEvaluationError("$range needs a step other than 0.")
    count = int((last - first) / step) + 1
    values = [first + index * step for index in range(max(count, 0))]
    # Like a JSONata sequence: one value is no list.
    return values[0] if len(values) == 1 else values


def _count(values: Any = None) -> int:
    # The engine's own counts null as nothing.
    if values is None:
        return 0
    return len(values) if isinstance(values, list) else 1


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


# What Step Functions adds to JSONata, means otherwise, and the one function that it takes away.
_FUNCTIONS = {
    name: Jsonata.JLambda(function)
    for name, function in {
        "count": _count,
        "partition": _partition,
        "range": _range,
        "hash": _hash,
        "random": _random,
        "uuid": _uuid,
        "parse": _parse,
        "eval": _eval,
    }.items()
}
