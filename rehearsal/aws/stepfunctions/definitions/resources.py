"""What a Task calls: a function, an activity, an optimized integration, or an action of any AWS service."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from rehearsal.aws.stepfunctions.definitions.apis import operation
from rehearsal.aws.stepfunctions.definitions.arguments import argument_errors
from rehearsal.aws.stepfunctions.definitions.diagnostic import Diagnostic, schema
from rehearsal.aws.stepfunctions.definitions.integrations import OPTIMIZED
from rehearsal.aws.stepfunctions.definitions.machines import Machine

_PARTITION = r"arn:aws(?:-[a-z]+)*"
_FUNCTION = re.compile(_PARTITION + r":lambda:[a-z0-9-]+:\d{12}:function:[\w-]+(?::[\w$-]+)?")
_ACTIVITY = re.compile(_PARTITION + r":states:[a-z0-9-]+:\d{12}:activity:[^\s:]{1,80}")
_INTEGRATION = re.compile(
    _PARTITION + r":states:::(?P<sdk>aws-sdk:)?(?P<service>[a-z0-9-]+):(?P<action>\w+)(?:\.(?P<pattern>.+))?"
)


class Integration(NamedTuple):
    """A service's action, by the names in the ARN."""

    service: str
    action: str
    sdk: bool


def resource_errors(machines: list[Machine]) -> Iterator[Diagnostic]:
    """What is wrong with the resources of Task states, and with their arguments."""
    for machine in machines:
        for state in machine.states:
            resource = state.fields.get("Resource")
            if state.type != "Task" or not isinstance(resource, str):
                continue
            at = f"{state.location}/Resource"
            match = _INTEGRATION.fullmatch(resource)
            if not match:
                if not _FUNCTION.fullmatch(resource) and not _ACTIVITY.fullmatch(resource):
                    yield _unknown(resource, at)
                elif machine.express and _ACTIVITY.fullmatch(resource):
                    yield schema("Express state machine does not support Activity ARN", at)
                continue
            integration = Integration(match["service"], match["action"], bool(match["sdk"]))
            if match["pattern"] not in {None, *_patterns(integration)} or not _exists(integration):
                yield _unknown(resource, at)
            elif machine.express and match["pattern"]:
                pattern = match["pattern"].split(":")[0]
                yield schema(f"Express state machine does not support '.{pattern}' service integration", at)
            else:
                yield from argument_errors(state, *integration)


def _exists(integration: Integration) -> bool:
    if integration.sdk:
        return operation(integration.service, integration.action) is not None
    return integration.action in OPTIMIZED.get(integration.service, {})


def _patterns(integration: Integration) -> set[str]:
    if integration.sdk:
        return {"waitForTaskToken"}
    return OPTIMIZED.get(integration.service, {}).get(integration.action, set())


def _unknown(resource: str, location: str) -> Diagnostic:
    return schema(
        f"The resource provided {resource} is not recognized. The value is not a valid resource ARN, or the resource is"
        " not available in this region.",
        location,
    )
