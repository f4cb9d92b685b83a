"""Retry and Catch: which errors they name, where they lead, how they wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rehearsal.aws.stepfunctions.definitions.diagnostic import Diagnostic, schema
from rehearsal.aws.stepfunctions.definitions.values import (
    Fields,
    Kind,
    anything,
    list_of,
    number,
    one_of,
    path_or_null,
    text,
    variables,
)

_ERRORS: dict[str, Kind] = {"ErrorEquals": list_of(text), "Comment": text}

_RETRIER = Fields(
    _ERRORS
    | {
        "IntervalSeconds": number(1, 99_999_999, expressions=False),
        "MaxAttempts": number(0, 99_999_999, expressions=False),
        "BackoffRate": number(1, whole=False, expressions=False),
        "MaxDelaySeconds": number(1, 31_622_399, expressions=False),
        "JitterStrategy": one_of("FULL", "NONE"),
    },
    required=("ErrorEquals",),
)

_CATCHER = Fields(
    _ERRORS | {"Next": text, "Assign": variables},
    {"ResultPath": path_or_null},
    {"Output": anything},
    required=("ErrorEquals", "Next"),
)


def retriers(value: Any, location: str, jsonata: bool) -> Iterator[Diagnostic]:
    """The list of a Retry field."""
    yield from list_of(_RETRIER, minimum=0)(value, location, jsonata)
    yield from _misplaced_all(value, location)
    for index, retrier in enumerate(value if isinstance(value, list) else ()):
        fields = retrier if isinstance(retrier, dict) else {}
        longest, first = fields.get("MaxDelaySeconds"), fields.get("IntervalSeconds", 1)
        if isinstance(longest, int) and isinstance(first, int) and longest <= first:
            message = "MaxDelaySeconds must be greater than IntervalSeconds"
            yield schema(message, f"{location}[{index}]/MaxDelaySeconds")


def catchers(value: Any, location: str, jsonata: bool) -> Iterator[Diagnostic]:
    """The list of a Catch field."""
    yield from list_of(_CATCHER, minimum=0)(value, location, jsonata)
    yield from _misplaced_all(value, location)


def _misplaced_all(value: Any, location: str) -> Iterator[Diagnostic]:
    rules = value if isinstance(value, list) else []
    for index, rule in enumerate(rules):
        errors = rule.get("ErrorEquals") if isinstance(rule, dict) else None
        if not isinstance(errors, list) or "States.ALL" not in errors:
            continue
        at = f"{location}[{index}]/ErrorEquals"
        if len(errors) > 1:
            yield schema("The error code States.ALL must appear alone", at)
        if index < len(rules) - 1:
            yield schema("The error code States.ALL must be in the last rule", at)
