"""How many examples a property takes: in the suite a few, the same in every run; in the long run many, always new."""

import os
from collections.abc import Callable
from typing import TypeVar

from hypothesis import HealthCheck, settings

Result = TypeVar("Result")
Refusal = TypeVar("Refusal", bound=Exception)

A_ROUND = int(os.environ.get("FUZZ_EXAMPLES", "0"))
"""Examples of each property in a round of the long run; 0 in the suite."""


def fuzzed(examples: int) -> settings:
    """The settings of a property that takes so many examples in the suite."""
    return settings(
        max_examples=A_ROUND or examples,
        derandomize=not A_ROUND,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def outcome(door: Callable[[], Result], named: type[Refusal]) -> Result | Refusal:
    """What comes out of a door: its result, or its named error. Anything else is raised."""
    try:
        return door()
    except named as refusal:
        return refusal
