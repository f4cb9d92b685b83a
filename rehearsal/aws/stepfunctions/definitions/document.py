"""A definition's text as JSON, stricter than Python's ``json``."""

from __future__ import annotations

import json
from typing import Any

from rehearsal.aws.stepfunctions.definitions.diagnostic import Diagnostic, schema


def read(text: str) -> tuple[dict[str, Any], list[Diagnostic]]:
    """The definition and no error, or errors and an empty definition."""
    repeated: list[str] = []

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        repeated.extend(sorted({name for name in names if names.count(name) > 1}))
        return dict(pairs)

    if not text.strip():
        return {}, [Diagnostic("SCHEMA_VALIDATION_FAILED", "Definition must be a valid JSON object", None)]
    try:
        definition = json.loads(text, object_pairs_hook=members, parse_constant=_refuse)
    except ValueError as error:
        return {}, [Diagnostic("INVALID_JSON_DESCRIPTION", str(error), None)]
    if not isinstance(definition, dict):
        return {}, [Diagnostic("SCHEMA_VALIDATION_FAILED", "Definition must be a valid JSON object", None)]
    if repeated:
        states = definition.get("States")
        return {}, [
            Diagnostic("DUPLICATE_STATE_NAME", f"Duplicate State name: {name}", f"/States/{name}")
            if isinstance(states, dict) and name in states
            else schema(f"Duplicate field '{name}'", "/")
            for name in repeated
        ]
    return definition, []


def _refuse(constant: str) -> Any:
    raise ValueError(f"Non-standard token '{constant}'")
