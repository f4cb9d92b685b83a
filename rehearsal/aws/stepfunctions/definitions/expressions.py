"""The JSONata expressions of a state: each is parsed, and may refer to what exists where it stands alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jsonata.jexception import JException
from jsonata.jsonata import Jsonata

from rehearsal.aws.stepfunctions.definitions.diagnostic import Diagnostic, schema
from rehearsal.aws.stepfunctions.definitions.machines import Machine, State
from rehearsal.aws.stepfunctions.definitions.references import unsupported_references

_WITH_A_RESULT = ("Task", "Parallel", "Map")
_SINGLE = (
    *("Arguments", "Credentials", "TimeoutSeconds", "HeartbeatSeconds", "Seconds", "Timestamp", "Error", "Cause"),
    *("Items", "ItemSelector", "ItemBatcher", "MaxConcurrency", "ToleratedFailureCount", "ToleratedFailurePercentage"),
)


def expression_errors(machines: list[Machine]) -> Iterator[Diagnostic]:
    """What is wrong with the expressions of every state whose query language is JSONata."""
    for machine in machines:
        for state in machine.states:
            if state.jsonata:
                for value, location, missing in _places(state):
                    yield from _errors(value, state.location + location, missing)


def _places(state: State) -> Iterator[tuple[Any, str, set[str]]]:
    """Values that can hold expressions, where they are, and what of ``$states`` does not exist there."""
    fields = state.fields
    no_result, no_error = {"result", "errorOutput"}, {"errorOutput"}
    for name in ("Output", "Assign"):
        yield fields.get(name), f"/{name}", no_error if state.type in _WITH_A_RESULT else no_result
    for name in _SINGLE:
        yield fields.get(name), f"/{name}", no_result
    for name, inner in (("ItemReader", "Arguments"), ("ResultWriter", "Arguments")):
        if isinstance(fields.get(name), dict):
            yield fields[name].get(inner), f"/{name}/{inner}", no_result
    for name, members, missing in (
        ("Choices", ("Condition", "Output", "Assign"), no_result),
        ("Catch", ("Output", "Assign"), {"result"}),
    ):
        rules = fields.get(name)
        for index, rule in enumerate(rules if isinstance(rules, list) else ()):
            for member in members if isinstance(rule, dict) else ():
                yield rule.get(member), f"/{name}[{index}]/{member}", missing


def _errors(value: Any, location: str, missing: set[str]) -> Iterator[Diagnostic]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _errors(member, f"{location}/{name}", missing)
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _errors(member, f"{location}[{index}]", missing)
    elif isinstance(value, str) and (value.startswith("{%") or value.endswith("%}")):
        if len(value) < 4 or not (value.startswith("{%") and value.endswith("%}")):
            yield schema("A JSONata expression must begin with '{%' and end with '%}'", location)
            return
        try:
            tree = Jsonata(value[2:-2].strip()).ast
        except (JException, TypeError, ValueError, LookupError, AttributeError, RecursionError) as error:
            yield Diagnostic("INVALID_JSONATA_EXPRESSION", str(error), location)
            return
        for message in dict.fromkeys(unsupported_references(tree, missing)):
            yield Diagnostic("UNSUPPORTED_JSONATA_EXPRESSION", message, location)
