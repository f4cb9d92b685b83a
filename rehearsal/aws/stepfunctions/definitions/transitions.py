"""Where states lead: every target exists, every state is reached, a workflow ends, names are unique."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rehearsal.aws.stepfunctions.definitions.diagnostic import Diagnostic
from rehearsal.aws.stepfunctions.definitions.machines import Machine, State


def transition_errors(machines: list[Machine]) -> Iterator[Diagnostic]:
    """In AWS's order: targets that do not exist, no end, states that nothing leads to."""
    for machine in machines:
        if not machine.states:
            continue
        targets = {state.name: list(_targets(state)) for state in machine.states}
        start = machine.fields.get("StartAt")
        if isinstance(start, str) and start not in targets:
            yield _missing(start, f"{machine.location}/StartAt")
        for leads in targets.values():
            yield from (_missing(target, location) for target, location in leads if target not in targets)
        # AWS looks for an end in the whole workflow alone, and for unreachable states only if there is one.
        if machine.root and not any(_ends(state) for state in machine.states):
            yield Diagnostic("MISSING_END_STATE", "Workflow has no terminal state", None)
            continue
        if not isinstance(start, str):
            continue
        reached = _reached(start, {name: [target for target, _ in leads] for name, leads in targets.items()})
        for state in machine.states:
            if state.name not in reached:
                message = f'State "{state.name}" is not reachable.'
                yield Diagnostic("MISSING_TRANSITION_TARGET", message, state.location)


def name_errors(machines: list[Machine]) -> Iterator[Diagnostic]:
    """Names are unique in the whole definition and have 1 to 80 characters."""
    seen: set[str] = set()
    for machine in machines:
        for state in machine.states:
            if state.name in seen:
                yield Diagnostic("DUPLICATE_STATE_NAME", f"Duplicate State name: {state.name}", state.location)
            seen.add(state.name)
            if not 1 <= len(state.name) <= 80:
                message = "A state name must have between 1 and 80 characters"
                yield Diagnostic("INVALID_STATE_NAME", message, state.location)


def _targets(state: State) -> Iterator[tuple[str, str]]:
    places: list[tuple[Any, str]] = [(state.fields.get(name), f"/{name}") for name in ("Next", "Default")]
    for name in ("Choices", "Catch"):
        rules = state.fields.get(name)
        for index, rule in enumerate(rules if isinstance(rules, list) else ()):
            if isinstance(rule, dict):
                places.append((rule.get("Next"), f"/{name}[{index}]/Next"))
    return ((target, state.location + place) for target, place in places if isinstance(target, str))


def _missing(target: str, location: str) -> Diagnostic:
    return Diagnostic("MISSING_TRANSITION_TARGET", f"Missing 'Next' target: {target}", location)


def _ends(state: State) -> bool:
    return state.type in ("Succeed", "Fail") or bool(state.fields.get("End"))


def _reached(start: str, targets: dict[str, list[str]]) -> set[str]:
    reached: set[str] = set()
    ahead = [start]
    while ahead:
        name = ahead.pop()
        if name in targets and name not in reached:
            reached.add(name)
            ahead += targets[name]
    return reached
