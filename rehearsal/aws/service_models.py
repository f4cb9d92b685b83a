"""What botocore knows of AWS's services: their operations, shapes and limits."""

from __future__ import annotations

from functools import cache
from typing import Any

from botocore.session import get_session


@cache
def service_model(service: str) -> Any:
    """botocore's model of a service. botocore.exceptions.UnknownServiceError when there is none of that name."""
    return get_session().get_service_model(service)
