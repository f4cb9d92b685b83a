"""How the state that runs was entered, which its variables and its errors refer to."""

from __future__ import annotations

from typing import Any, NamedTuple

from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.eval.environment import Environment


class Entry(NamedTuple):
    """A state's entry.

    Parameters
    ----------
    state
        The state's name.
    event
        The number of the entry in the history.
    variables
        Those that the state sees. What it assigns is visible from the next state on; moto assigns before it evaluates
        ``Output``, which hides expressions that would read the old value in the cloud.
    """

    state: str
    event: int
    variables: dict[str, Any]


def note_entries() -> None:
    """Note each state's entry."""
    take_input = CommonStateField._eval_state_input

    def note_and_take_input(self: CommonStateField, env: Environment) -> None:
        store = env.variable_store
        store.entry = Entry(self.name, env.event_history_context.source_event_id, _visible(store))
        take_input(self, env)

    CommonStateField._eval_state_input = note_and_take_input


def of(env: Environment) -> Entry | None:
    """The entry of the state that runs; None where a Map makes its items."""
    return getattr(env.variable_store, "entry", None)


def variables(env: Environment) -> dict[str, Any]:
    """The variables that an expression sees."""
    entry = of(env)
    return entry.variables if entry else _visible(env.variable_store)


def _visible(store: Any) -> dict[str, Any]:
    return dict(store._outer_scope | store._inner_scope)
