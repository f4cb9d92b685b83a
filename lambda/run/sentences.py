"""The sentence for a fault that pydantic finds: which field it is, what was given, and what must be."""

import difflib
import json
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

CONTRADICTION = "contradiction"
"""The type of a fault of one field because of what another says; its message completes "must be ..."."""


def sentence(model: type[BaseModel], fault: ErrorDetails, given: dict[str, Any]) -> str:
    """Such as `dataset.fraction: 0 was given; must be a number greater than 0 and at most 1`, for a `model`'s field."""
    must_be = "a JSON object"
    value: Any = given
    path: list[str] = []
    for step in map(str, fault["loc"]):
        path.append(step)
        value = value[step]
        field = {field.alias: field for field in model.model_fields.values()}.get(step)
        if field is None:
            path[-1] = shown(step).strip('"')
            return f"{'.'.join(path)}: unknown field; {_known_fields(model, step)}"
        if not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
            # What is wrong inside a list is told by what the whole list must be.
            must_be = fault["msg"] if fault["type"] == CONTRADICTION else str(field.description)
            break
        model = field.annotation
    else:
        if fault["type"] == "value_error":
            must_be = str(fault["ctx"]["error"])
    return f"{'.'.join(path) or 'input'}: {shown(value)} was given; must be {must_be}"


def _known_fields(model: type[BaseModel], unknown: str) -> str:
    known = [str(field.alias) for field in model.model_fields.values()]
    close = difflib.get_close_matches(unknown, known, n=1)
    return f"{f'did you mean {close[0]}? ' if close else ''}allowed here: {', '.join(known)}"


def shown(value: object) -> str:
    """The value as JSON, for a sentence: its first 100 characters."""
    try:
        text = json.dumps(value)
    except RecursionError:
        return "what is nested too deeply"
    return text if len(text) <= 100 else text[:97] + "..."
