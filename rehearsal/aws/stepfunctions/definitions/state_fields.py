"""Which fields a definition and each type of state may have, and what may stand in them.

From the States Language specification, AWS's developer guide and recorded answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rehearsal.aws.stepfunctions.definitions.choice_rules import choice_rules
from rehearsal.aws.stepfunctions.definitions.diagnostic import Diagnostic, listed, schema
from rehearsal.aws.stepfunctions.definitions.machines import Machine, State
from rehearsal.aws.stepfunctions.definitions.map_fields import MAP, PROCESSOR
from rehearsal.aws.stepfunctions.definitions.retries import catchers, retriers
from rehearsal.aws.stepfunctions.definitions.values import (
    Fields,
    Kind,
    anything,
    boolean,
    list_of,
    number,
    one_of,
    path,
    path_or_call,
    path_or_null,
    plain_object,
    template,
    text,
    timestamp,
    variables,
)

_LONGEST = 99_999_999
"""Seconds that a task or a wait may last."""

_STATES: dict[str, Kind] = {"StartAt": text, "States": plain_object, "Comment": text}
_MACHINE = Fields(_STATES | {"Version": text, "TimeoutSeconds": number(1, _LONGEST), "QueryLanguage": text})
_BRANCH = Fields(_STATES)
_PROCESSOR = Fields(_STATES | PROCESSOR)

_COMMON: dict[str, Kind] = {"Type": text, "Comment": text, "QueryLanguage": text}
_ON: dict[str, Kind] = _COMMON | {"Next": text, "End": boolean, "Assign": variables}
_ERRORS: dict[str, Kind] = {"Retry": retriers, "Catch": catchers}
_PATHS: dict[str, Kind] = {"InputPath": path_or_null, "OutputPath": path_or_null}
_RESULT: dict[str, Kind] = _PATHS | {"ResultPath": path_or_null, "Parameters": template}
_OUTPUT: dict[str, Kind] = {"Output": anything}
_WAY_ON = (("Next", "End"),)

STATES = {
    "Task": Fields(
        _ON
        | _ERRORS
        | {
            "Resource": text,
            "TimeoutSeconds": number(1, _LONGEST),
            "HeartbeatSeconds": number(1, _LONGEST),
            "Credentials": plain_object,
        },
        _RESULT | {"ResultSelector": template, "TimeoutSecondsPath": path, "HeartbeatSecondsPath": path},
        _OUTPUT | {"Arguments": template},
        required=("Resource",),
        exactly_one=_WAY_ON,
        at_most_one=(("TimeoutSeconds", "TimeoutSecondsPath"), ("HeartbeatSeconds", "HeartbeatSecondsPath")),
    ),
    "Wait": Fields(
        _ON | {"Seconds": number(0, _LONGEST), "Timestamp": timestamp},
        _PATHS | {"SecondsPath": path, "TimestampPath": path},
        _OUTPUT,
        exactly_one=(*_WAY_ON, ("Seconds", "Timestamp", "SecondsPath", "TimestampPath")),
    ),
    "Pass": Fields(_ON, _RESULT | {"Result": anything}, _OUTPUT, exactly_one=_WAY_ON),
    "Succeed": Fields(_COMMON, _PATHS, _OUTPUT),
    "Fail": Fields(
        _COMMON | {"Error": text, "Cause": text},
        {"ErrorPath": path_or_call, "CausePath": path_or_call},
        at_most_one=(("Error", "ErrorPath"), ("Cause", "CausePath")),
    ),
    "Choice": Fields(
        _COMMON | {"Assign": variables, "Choices": choice_rules, "Default": text},
        _PATHS,
        _OUTPUT,
        required=("Choices",),
    ),
    "Parallel": Fields(
        _ON | _ERRORS | {"Branches": list_of(plain_object)},
        _RESULT | {"ResultSelector": template},
        _OUTPUT | {"Arguments": template},
        required=("Branches",),
        exactly_one=_WAY_ON,
    ),
    "Map": Fields(
        _ON | _ERRORS | MAP.both,
        _RESULT | {"ResultSelector": template} | MAP.jsonpath,
        _OUTPUT | MAP.jsonata,
        exactly_one=(*_WAY_ON, *MAP.exactly_one),
        at_most_one=MAP.at_most_one,
    ),
}

_LANGUAGE = one_of("JSONPath", "JSONata")


def field_errors(machines: list[Machine]) -> Iterator[Diagnostic]:
    """Fields that are missing, unknown, of the other query language, or of the wrong kind."""
    whole = machines[0].fields.get("QueryLanguage")
    for machine in machines:
        yield from _machine_errors(machine)
        for state in machine.states:
            yield from _state_errors(state, whole == "JSONata")


def _machine_errors(machine: Machine) -> Iterator[Diagnostic]:
    missing = [name for name in ("States", "StartAt") if name not in machine.fields]
    if missing:
        yield schema(f"These fields are required: {listed(missing)}", machine.location)
    kind = _PROCESSOR if machine.location.endswith(("/ItemProcessor", "/Iterator")) else _BRANCH
    yield from (_MACHINE if machine.root else kind)(machine.fields, machine.location, False)
    if machine.root and "QueryLanguage" in machine.fields:
        yield from _LANGUAGE(machine.fields["QueryLanguage"], "/QueryLanguage", False)
    states = machine.fields.get("States")
    for name, state in states.items() if isinstance(states, dict) else ():
        if not isinstance(state, dict):
            yield schema("Expected value of type [OBJECT]", f"{machine.location}/States/{name}")
    if states == {}:
        yield schema("Value cannot be empty", f"{machine.location}/States")


def _state_errors(state: State, machine_is_jsonata: bool) -> Iterator[Diagnostic]:
    fields, location = state.fields, state.location
    if "Type" not in fields:
        yield schema("The field 'Type' is required but was missing", location)
        return
    if not isinstance(state.type, str) or state.type not in STATES:
        yield schema(f"The field 'Type' should have one of these values: {listed(STATES)}", f"{location}/Type")
        return
    if "QueryLanguage" in fields:
        yield from _LANGUAGE(fields["QueryLanguage"], f"{location}/QueryLanguage", False)
        if machine_is_jsonata and fields["QueryLanguage"] == "JSONPath":
            message = "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine"
            yield schema(message, location)
            return
    # A field "End": false is as good as none.
    given = {name: value for name, value in fields.items() if name != "End" or value is not False}
    yield from STATES[state.type](given, location, state.jsonata)
    yield from _heartbeat_errors(fields, location)
    yield from _credential_errors(fields.get("Credentials"), location)


def _heartbeat_errors(fields: dict[str, Any], location: str) -> Iterator[Diagnostic]:
    timeout, heartbeat = fields.get("TimeoutSeconds"), fields.get("HeartbeatSeconds")
    if isinstance(timeout, int) and isinstance(heartbeat, int) and heartbeat >= timeout:
        yield schema("HeartbeatSeconds must be smaller than TimeoutSeconds", f"{location}/HeartbeatSeconds")


def _credential_errors(credentials: Any, location: str) -> Iterator[Diagnostic]:
    if not isinstance(credentials, dict):
        return
    role = {"RoleArn", "RoleArn.$"}
    if not credentials.keys() & role:
        yield schema("The field 'RoleArn' is required but was missing", f"{location}/Credentials")
    elif unknown := sorted(credentials.keys() - role):
        yield schema(f"Field '{unknown[0]}' is not supported", f"{location}/Credentials")
    for name in credentials.keys() & role:
        yield from text(credentials[name], f"{location}/Credentials/{name}", False)
