"""The states of a definition, those inside of Map and Parallel included, each with where it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple


class State(NamedTuple):
    """A state: its fields and the query language that they are written in."""

    name: str
    location: str
    fields: dict[str, Any]
    jsonata: bool

    @property
    def type(self) -> Any:
        """``Task``, ``Choice`` ...; any JSON value while it is not known to be valid."""
        return self.fields.get("Type")


class Machine(NamedTuple):
    """What has StartAt and States: the whole definition, a branch of Parallel, a Map's processor."""

    location: str
    fields: dict[str, Any]
    states: list[State]
    express: bool

    @property
    def root(self) -> bool:
        """Whether this is the whole definition."""
        return not self.location


def machines(definition: dict[str, Any], express: bool = False) -> Iterator[Machine]:
    """Yield the whole definition, then the machines inside of it, skipping what is no object.

    A state without a QueryLanguage has that of the whole definition, not that of the Map or Parallel around it
    (measured in AWS by the authors of floci-io/floci).
    """
    jsonata = _is_jsonata(definition, False)

    def inside(fields: dict[str, Any], location: str, express: bool) -> Iterator[Machine]:
        states = fields.get("States")
        members = states.items() if isinstance(states, dict) else ()
        machine = Machine(
            location,
            fields,
            [
                State(name, f"{location}/States/{name}", state, _is_jsonata(state, jsonata))
                for name, state in members
                if isinstance(state, dict)
            ],
            express,
        )
        yield machine
        for state in machine.states:
            for inner, at in _machines_of(state):
                yield from inside(inner, at, _is_express(inner, express))

    return inside(definition, "", express)


def _machines_of(state: State) -> Iterator[tuple[dict[str, Any], str]]:
    branches = state.fields.get("Branches")
    for index, branch in enumerate(branches if isinstance(branches, list) else ()):
        if isinstance(branch, dict):
            yield branch, f"{state.location}/Branches[{index}]"
    for name in ("ItemProcessor", "Iterator"):
        if isinstance(state.fields.get(name), dict):
            yield state.fields[name], f"{state.location}/{name}"


def _is_jsonata(fields: dict[str, Any], inherited: bool) -> bool:
    return fields["QueryLanguage"] != "JSONPath" if "QueryLanguage" in fields else inherited


def _is_express(processor: dict[str, Any], around: bool) -> bool:
    config = processor.get("ProcessorConfig")
    mode = config if isinstance(config, dict) else {}
    return mode.get("ExecutionType") == "EXPRESS" if mode.get("Mode") == "DISTRIBUTED" else around
