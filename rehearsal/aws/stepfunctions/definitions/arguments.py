"""The arguments of a Task, by their names: what the API calls them, in Pascal case."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from rehearsal.aws.stepfunctions.definitions.apis import operation, operation_of_api
from rehearsal.aws.stepfunctions.definitions.diagnostic import Diagnostic, schema
from rehearsal.aws.stepfunctions.definitions.integrations import API_NAMES, OWN_PARAMETERS, WITHOUT_AN_API
from rehearsal.aws.stepfunctions.definitions.machines import State


def argument_errors(state: State, service: str, action: str, sdk: bool) -> Iterator[Diagnostic]:
    """Arguments that the service does not know, and missing ones; expressions are not looked into."""
    place = "Arguments" if state.jsonata else "Parameters"
    arguments = state.fields.get(place)
    if not isinstance(arguments, dict) or (not sdk and service in WITHOUT_AN_API):
        return
    model = operation(service, action) if sdk else operation_of_api(API_NAMES.get(service, service), action)
    if model is None or not isinstance(model.input_shape, StructureShape):
        return
    own = OWN_PARAMETERS.get((service, action)) if not sdk else None
    for name in dict.fromkeys(_unknown(arguments, model.input_shape, state, own)):
        yield schema(f'The field "{name}" is not supported by Step Functions', f"{state.location}/{place}")
    given = {_plain(name, state.jsonata) for name in arguments}
    for member in model.input_shape.required_members:
        if not _spellings(member) & given and not model.input_shape.members[member].metadata.get("idempotencyToken"):
            message = f"The field '{_pascal(member)}' is required but was missing"
            yield schema(message, f"{state.location}/{place}")


def _unknown(value: Any, shape: Shape, state: State, own: set[str] | None, inside: bool = False) -> Iterator[str]:
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        known = {spelling: member for member in shape.members for spelling in _spellings(member)}
        # AWS's guide has ``"RetryStrategy": {"attempts": 5}`` for an optimized integration.
        if inside and ":aws-sdk:" not in state.fields["Resource"]:
            known |= {member: member for member in shape.members}
        for name, member in value.items():
            plain = _plain(name, state.jsonata)
            if plain not in known or (own and plain not in own):
                yield plain
            elif plain == name:
                yield from _unknown(member, shape.members[known[plain]], state, None, True)
    elif isinstance(shape, ListShape) and isinstance(value, list):
        for member in value:
            yield from _unknown(member, shape.member, state, None, True)
    elif isinstance(shape, MapShape) and isinstance(value, dict):
        for member in value.values():
            yield from _unknown(member, shape.value, state, None, True)


def _plain(name: str, jsonata: bool) -> str:
    return name if jsonata else name.removesuffix(".$")


def _pascal(member: str) -> str:
    return member[:1].upper() + member[1:]


def _spellings(member: str) -> set[str]:
    """As the API has it, and as AWS's SDK for Java has it: ``DBInstanceIdentifier`` and ``DbInstanceIdentifier``."""
    pascal = _pascal(member)
    return {pascal, re.sub(r"^[A-Z]{2,}(?=[A-Z][a-z]|$)", lambda acronym: acronym[0].title(), pascal)}
