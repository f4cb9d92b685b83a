"""A JSON object against its contract: what it was completed to, or a sentence for each fault."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from run.part import Part
from run.sentences import sentence, shown

Contract = TypeVar("Contract", bound=Part)

_TOLD = 20
"""Faults that are told at once: an input can have more than the cause of a failed execution has room for."""

_NOT_OURS = ("Comment", "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID", "$schema")
"""What people in the console, executions that start others and editors put into any input: ignored here."""

_AN_OBJECT = "must be a JSON object such as {}"
TOO_DEEP = f"input: it is nested too deeply; {_AN_OBJECT}"


class InvalidInput(ValueError):
    """The execution input breaks its contract; the message has one sentence for each fault."""


def an_object(given: object) -> dict[str, Any]:
    """An input as parsed from JSON; None is the same as {}. Raises InvalidInput."""
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise InvalidInput(f"input: {shown(given)} was given; {_AN_OBJECT}")
    return given


def validated(contract: type[Contract], completed: Mapping[str, Any]) -> Contract:
    """Raises InvalidInput: a sentence for each field that is unknown, of the wrong type, or out of its limits."""
    ours = {name: value for name, value in completed.items() if name not in _NOT_OURS}
    try:
        # Strict as JSON has it: lists for lists, and 1 is fine where 1.0 is.
        return contract.model_validate_json(json.dumps(ours))
    except RecursionError:
        raise InvalidInput(TOO_DEEP) from None
    except ValidationError as error:
        sentences = list(dict.fromkeys(sentence(contract, fault, ours) for fault in error.errors()))
        more = [f"and {len(sentences) - _TOLD} faults more"] if len(sentences) > _TOLD else []
        raise InvalidInput("\n".join(sentences[:_TOLD] + more)) from None
