"""The rules of a Choice state: conditions in JSONata, comparisons in JSONPath."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rehearsal.aws.stepfunctions.definitions.diagnostic import Diagnostic, listed, schema
from rehearsal.aws.stepfunctions.definitions.values import (
    Fields,
    Kind,
    anything,
    boolean,
    condition,
    list_of,
    number,
    path,
    text,
    timestamp,
    variables,
)

_NUMBER = number(float("-inf"), whole=False)
_TESTS = ("IsNull", "IsPresent", "IsNumeric", "IsString", "IsBoolean", "IsTimestamp")
_ORDERS = ("Equals", "LessThan", "GreaterThan", "LessThanEquals", "GreaterThanEquals")
_COMPARISONS: dict[str, Kind] = {
    "BooleanEquals": boolean,
    "BooleanEqualsPath": path,
    "StringMatches": text,
    **dict.fromkeys(_TESTS, boolean),
}
for _type, _kind in {"String": text, "Numeric": _NUMBER, "Timestamp": timestamp}.items():
    _COMPARISONS |= {_type + _order: _kind for _order in _ORDERS}
    _COMPARISONS |= {f"{_type}{_order}Path": path for _order in _ORDERS}

_JOINED: dict[str, Kind] = {"And": anything, "Or": anything, "Not": anything}

_RULE = Fields(
    {"Next": text, "Comment": text, "Assign": variables},
    {"Variable": path} | _COMPARISONS | _JOINED,
    {"Condition": condition, "Output": anything},
    required=("Next",),
)
_INNER_RULE = Fields({"Comment": text}, {"Variable": path} | _COMPARISONS | _JOINED)


def choice_rules(value: Any, location: str, jsonata: bool) -> Iterator[Diagnostic]:
    """The list of a Choices field."""
    yield from list_of(_RULE)(value, location, jsonata)
    for index, rule in enumerate(value if isinstance(value, list) else ()):
        if not isinstance(rule, dict):
            continue
        at = f"{location}[{index}]"
        if not jsonata:
            yield from _comparison_errors(rule, at)
        elif "Condition" not in rule:
            yield schema("The field 'Condition' is required but was missing", at)


def _comparison_errors(rule: dict[str, Any], location: str) -> Iterator[Diagnostic]:
    operators = [name for name in rule if name in _COMPARISONS or name in _JOINED]
    if len(operators) != 1:
        yield schema(f"A choice rule must have exactly one operator, not {listed(operators)}", location)
    if ("Variable" in rule) == any(name in _JOINED for name in operators):
        fault = "is not supported" if "Variable" in rule else "is required but was missing"
        yield schema(f"The field 'Variable' {fault}", location)
    for name in _JOINED.keys() & rule.keys():
        inner, at = rule[name], f"{location}/{name}"
        if name != "Not" and (not isinstance(inner, list) or not inner):
            yield schema("Value cannot be empty" if inner == [] else "Expected value of type [ARRAY]", at)
            continue
        rules = [(inner, at)] if name == "Not" else [(each, f"{at}[{n}]") for n, each in enumerate(inner)]
        for each, where in rules:
            yield from _INNER_RULE(each, where, False)
            if isinstance(each, dict):
                yield from _comparison_errors(each, where)
