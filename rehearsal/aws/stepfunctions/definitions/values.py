"""Kinds of values that a field may have."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rehearsal.aws.stepfunctions.definitions.diagnostic import Diagnostic, listed, schema

Kind = Callable[[Any, str, bool], Iterator[Diagnostic]]
"""What is wrong with a value, given its location and whether the state's query language is JSONata."""

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")

_PATH_OR_CALL = re.compile(r"\$.*|States\.\w+\(.*\)", re.DOTALL)
# What a backslash may stand before in a call's text: a quotation mark is refused (recorded).
_WRONG_ESCAPE = re.compile(r"\\[^\\'{}]")


def is_path_or_call(value: Any) -> bool:
    """Whether a value is a JSONPath or an intrinsic function's call, as far as asl-validator does not look."""
    if not isinstance(value, str) or not _PATH_OR_CALL.fullmatch(value):
        return False
    return not value.startswith("States.") or not _WRONG_ESCAPE.search(value.replace("\\\\", ""))


def is_expression(value: Any) -> bool:
    """Whether a value is a whole JSONata expression."""
    return isinstance(value, str) and value.startswith("{%") and value.endswith("%}")


def anything(value: Any, location: str, jsonata: bool) -> Iterator[Diagnostic]:
    """Any JSON value."""
    return iter(())


def text(value: Any, location: str, jsonata: bool) -> Iterator[Diagnostic]:
    """A string."""
    if not isinstance(value, str):
        yield _expected("STRING", location)


def boolean(value: Any, location: str, jsonata: bool) -> Iterator[Diagnostic]:
    """True or false."""
    if not isinstance(value, bool):
        yield _expected("BOOLEAN", location)


def plain_object(value: Any, location: str, jsonata: bool) -> Iterator[Diagnostic]:
    """An object that is written out."""
    if not isinstance(value, dict):
        yield _expected("OBJECT", location)


def template(value: Any, location: str, jsonata: bool) -> Iterator[Diagnostic]:
    """An object, or in JSONata an expression for one."""
    if not isinstance(value, dict) and not (jsonata and is_expression(value)):
        yield _expected("OBJECT", location)


def variables(value: Any, location: str, jsonata: bool) -> Iterator[Diagnostic]:
    """An object whose names are variables'."""
    if not isinstance(value, dict):
        yield _expected("OBJECT", location)
        return
    for name in value:
        variable = name if jsonata else name.removesuffix(".$")
        if not variable.isidentifier() or len(variable) > 80 or variable == "states":
            yield schema(f"'{name}' is not a valid variable name", location)


def items(value: Any, location: str, jsonata: bool) -> Iterator[Diagnostic]:
    """What a Map goes over: an array, an object or an expression for one."""
    if not isinstance(value, (list, dict)) and not is_expression(value):
        yield _expected("ARRAY", location)


def condition(value: Any, location: str, jsonata: bool) -> Iterator[Diagnostic]:
    """True, false or an expression for it."""
    if not isinstance(value, bool) and not is_expression(value):
        yield _expected("BOOLEAN", location)


def path(value: Any, location: str, jsonata: bool) -> Iterator[Diagnostic]:
    """A JSONPath; whether it parses is asl-validator's to say."""
    if not isinstance(value, str) or not value.startswith("$"):
        yield schema("Value is not a valid JSONPath", location)


def path_or_null(value: Any, location: str, jsonata: bool) -> Iterator[Diagnostic]:
    """A JSONPath, or null for nothing at all."""
    if value is not None:
        yield from path(value, location, jsonata)


def path_or_call(value: Any, location: str, jsonata: bool) -> Iterator[Diagnostic]:
    """A JSONPath or an intrinsic function's call."""
    if not isinstance(value, str) or not value.startswith("States."):
        yield from path(value, location, jsonata)
    elif not is_path_or_call(value):
        yield schema("The value must be a valid JSONPath or a valid intrinsic function call", location)


def timestamp(value: Any, location: str, jsonata: bool) -> Iterator[Diagnostic]:
    """A moment such as ``2026-01-31T12:00:00Z``, or an expression for one."""
    if jsonata and is_expression(value):
        return
    try:
        if not _RFC3339.fullmatch(value):
            raise ValueError
        datetime.datetime.fromisoformat(value[:19])
    except (TypeError, ValueError):
        yield schema("String does not match RFC3339 timestamp", location)


def number(minimum: float, maximum: float | None = None, whole: bool = True, expressions: bool = True) -> Kind:
    """A number in a range, or in JSONata an expression for one."""

    def check(value: Any, location: str, jsonata: bool) -> Iterator[Diagnostic]:
        if jsonata and expressions and is_expression(value):
            return
        fraction = isinstance(value, float) and not value.is_integer()
        if isinstance(value, bool) or not isinstance(value, (int, float)) or (whole and fraction):
            yield _expected("INTEGER" if whole else "NUMBER", location)
        elif value < minimum:
            yield schema(f"Minimum value is {minimum}", location)
        elif maximum is not None and value > maximum:
            yield schema(f"Maximum value is {maximum}", location)

    return check


def one_of(*allowed: str) -> Kind:
    """One of some words."""

    def check(value: Any, location: str, jsonata: bool) -> Iterator[Diagnostic]:
        if not isinstance(value, str):
            yield _expected("STRING", location)
        elif value not in allowed:
            yield schema(f"Value should be one of the following: {listed(allowed)}", location)

    return check


def list_of(kind: Kind, minimum: int = 1) -> Kind:
    """An array."""

    def check(value: Any, location: str, jsonata: bool) -> Iterator[Diagnostic]:
        if not isinstance(value, list):
            yield _expected("ARRAY", location)
            return
        if len(value) < minimum:
            yield schema("Value cannot be empty", location)
        for index, member in enumerate(value):
            yield from kind(member, f"{location}[{index}]", jsonata)

    return check


@dataclass(frozen=True)
class Fields:
    """An object's fields: those of both query languages and those of one."""

    both: dict[str, Kind] = field(default_factory=dict)
    jsonpath: dict[str, Kind] = field(default_factory=dict)
    jsonata: dict[str, Kind] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    exactly_one: tuple[tuple[str, ...], ...] = ()
    at_most_one: tuple[tuple[str, ...], ...] = ()

    def __call__(self, value: Any, location: str, jsonata: bool) -> Iterator[Diagnostic]:
        """What is wrong with an object."""
        if not isinstance(value, dict):
            yield _expected("OBJECT", location)
            return
        language, other = ("JSONata", "JSONPath") if jsonata else ("JSONPath", "JSONata")
        mine, others = (self.jsonata, self.jsonpath) if jsonata else (self.jsonpath, self.jsonata)
        for name, member in value.items():
            if kind := self.both.get(name) or mine.get(name):
                yield from kind(member, f"{location}/{name}", jsonata)
            elif name in others:
                message = f"The QueryLanguage is set to '{language}', but field '{name}' is only supported for the"
                yield schema(f"{message} '{other}' QueryLanguage", location)
            else:
                yield schema(f"Field '{name}' is not supported", location)
        for name in self.required:
            if name not in value:
                yield schema(f"The field '{name}' is required but was missing", location)
        for names in (*self.exactly_one, *self.at_most_one):
            given = [name for name in names if name in value]
            if len(given) > 1:
                yield schema(f"Only one of these fields is allowed: {listed(given)}", location)
            elif not given and names in self.exactly_one:
                yield schema(f"One of these fields is required: {listed(names)}", location)


def _expected(type: str, location: str) -> Diagnostic:
    return schema(f"Expected value of type [{type}]", location)
