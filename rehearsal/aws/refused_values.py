"""Values that services of the JSON protocol refuse and moto takes."""

from __future__ import annotations

import re
from typing import Any

from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
from moto.dynamodb.responses import DynamoHandler
from moto.events.responses import EventsHandler
from moto.logs.responses import LogsResponse
from moto.secretsmanager.responses import SecretsManagerResponse

from rehearsal.aws import constraints, log_groups

_SECRETS_NAME = re.compile(r"[A-Za-z0-9/_+=.@!-]+")
"""Of Secrets Manager alone: its model has no pattern for it."""


def install() -> None:
    """Check requests by the services' models, and what these leave open by the service's own rules."""
    constraints.enforce(ApplicationAutoScalingResponse, "application-autoscaling")
    constraints.enforce(DynamoHandler, "dynamodb")
    constraints.enforce(EventsHandler, "events")
    log_groups.install()
    constraints.enforce(LogsResponse, "logs", "InvalidParameterException")
    _refuse_names_of_secrets()
    constraints.enforce(SecretsManagerResponse, "secretsmanager")


def _refuse_names_of_secrets() -> None:
    create = SecretsManagerResponse.create_secret

    def create_secret(self: SecretsManagerResponse) -> Any:
        if not _SECRETS_NAME.fullmatch(self._get_param("Name")):
            allowed = "alphanumeric characters, or any of the following: -/_+=.@!"
            raise constraints.InvalidValue(f"Invalid name. Must be a valid name containing {allowed}")
        return create(self)

    SecretsManagerResponse.create_secret = create_secret
