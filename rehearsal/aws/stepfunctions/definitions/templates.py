"""The payload templates of JSONPath: a field whose name ends with ``.$`` is a path or an intrinsic function's call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rehearsal.aws.stepfunctions.definitions.diagnostic import Diagnostic, schema
from rehearsal.aws.stepfunctions.definitions.machines import Machine, State
from rehearsal.aws.stepfunctions.definitions.values import is_path_or_call


def template_errors(machines: list[Machine]) -> Iterator[Diagnostic]:
    """What is wrong with the templates of every state whose query language is JSONPath."""
    for machine in machines:
        for state in machine.states:
            if not state.jsonata:
                for template, location in _places(state):
                    yield from _errors(template, state.location + location)


def _places(state: State) -> Iterator[tuple[Any, str]]:
    for name in ("Parameters", "ResultSelector", "ItemSelector", "ItemBatcher", "Assign", "Credentials"):
        yield state.fields.get(name), f"/{name}"
    for name in ("ItemReader", "ResultWriter"):
        inner = state.fields.get(name)
        yield inner.get("Parameters") if isinstance(inner, dict) else None, f"/{name}/Parameters"
    for name in ("Choices", "Catch"):
        rules = state.fields.get(name)
        for index, rule in enumerate(rules if isinstance(rules, list) else ()):
            yield rule.get("Assign") if isinstance(rule, dict) else None, f"/{name}[{index}]/Assign"


def _errors(value: Any, location: str) -> Iterator[Diagnostic]:
    if isinstance(value, list):
        for member in value:
            yield from _errors(member, location)
    elif isinstance(value, dict):
        for name, member in value.items():
            if not name.endswith(".$"):
                yield from _errors(member, location)
            elif not is_path_or_call(member):
                message = (
                    f"The value for the field '{name}' must be a valid JSONPath or a valid intrinsic function call"
                )
                yield schema(message, location)
            if f"{name}.$" in value:
                yield schema(f"The field '{name}' appears twice, with and without '.$'", location)
