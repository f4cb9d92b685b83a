"""What is wrong with a definition, as ValidateStateMachineDefinition reports it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Diagnostic(NamedTuple):
    """One error. The location is a path such as ``/States/Train/Catch[0]/Next``; some errors have none."""

    code: str
    message: str
    location: str | None

    def __str__(self) -> str:
        return f"{self.code}: {self.message} at {self.location or 'null'}"


def schema(message: str, location: str) -> Diagnostic:
    """An error of AWS's commonest code."""
    return Diagnostic("SCHEMA_VALIDATION_FAILED", message, location or "/")


def listed(names: Iterable[str]) -> str:
    """Names as AWS prints them: ``[Next, End]``."""
    return f"[{', '.join(names)}]"
