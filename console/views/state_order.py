"""The order in which a state machine's definition would have its states run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_WORKING = ("Task", "Map", "Parallel")

States = Mapping[str, Mapping[str, Any]]


def expected_states(definition: Mapping[str, Any]) -> list[str]:
    """The top-level states that do work on the ways to success, each after those that lead to it.

    States that only a failure leads to, and those that take no time (Choice, Pass), are left out.
    """
    states: States = definition["States"]
    finished: list[str] = []
    seen: set[str] = set()

    def visit(name: str) -> None:
        seen.add(name)
        for following in reversed(list(_following(states[name]))):
            if following not in seen:
                visit(following)
        finished.append(name)

    visit(definition["StartAt"])
    succeeding = _succeeding(states)
    return [name for name in reversed(finished) if name in succeeding and states[name]["Type"] in _WORKING]


def _following(state: Mapping[str, Any]) -> Iterator[str]:
    for choice in state.get("Choices", ()):
        yield choice["Next"]
    for key in ("Default", "Next"):
        if key in state:
            yield state[key]


def _succeeding(states: States) -> set[str]:
    """The states from which success can be reached without an error being caught."""
    succeeding = {name for name, state in states.items() if state["Type"] == "Succeed" or state.get("End")}
    while more := {
        name for name, state in states.items() if name not in succeeding and succeeding & set(_following(state))
    }:
        succeeding |= more
    return succeeding
