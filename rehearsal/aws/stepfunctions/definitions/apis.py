"""AWS's services and actions by the names that Step Functions gives them, from botocore's models."""

from __future__ import annotations

from functools import cache

from botocore.exceptions import UnknownServiceError
from botocore.model import OperationModel, OperationNotFoundError, ServiceModel
from botocore.session import get_session
from botocore.utils import EVENT_ALIASES

from rehearsal.aws.service_models import service_model


def operation(service: str, action: str) -> OperationModel | None:
    """The action of an SDK integration such as ``sfn``, ``startExecution``; None if there is no such thing."""
    model = _sdk_service(service)
    return _action_of(model, action) if model else None


def operation_of_api(name: str, action: str) -> OperationModel | None:
    """The action of a service by botocore's name, such as ``stepfunctions``, ``startExecution``."""
    try:
        return _action_of(service_model(name), action)
    except UnknownServiceError:
        return None


def _action_of(model: ServiceModel, action: str) -> OperationModel | None:
    # Actions are in camel case: ``DescribeJob`` is none.
    if not action[:1].islower():
        return None
    try:
        return model.operation_model(action[0].upper() + action[1:])
    except OperationNotFoundError:
        return None


def _sdk_service(service: str) -> ServiceModel | None:
    """Services are called by their SDK id in lower case without hyphens: CloudWatch Logs is ``cloudwatchlogs``."""
    for name in _names().get(service, ()):
        model: ServiceModel = service_model(name)
        if "".join(character for character in model.service_id.lower() if character.isalnum()) == service:
            return model
    return None


@cache
def _names() -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for name in get_session().get_available_services():
        for alias in {name, EVENT_ALIASES.get(name, name)}:
            names.setdefault(alias.replace("-", ""), []).append(name)
    return names
