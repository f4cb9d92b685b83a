"""Clients by which parts of the emulated AWS call each other."""

from __future__ import annotations

import threading
from typing import Any

import boto3
from botocore.config import Config

from rehearsal.aws import location

_SECONDS = 24 * 3600
"""A Lambda function's answer may take long; nothing else is slow on loopback."""

_lock = threading.Lock()
_clients: dict[tuple[str, str, bool], Any] = {}


def client(service: str, region: str, *, check_parameters: bool = True) -> Any:
    """A client of the emulated AWS, made once: boto3 makes clients slowly, and not safely from several threads."""
    with _lock:
        key = (service, region, check_parameters)
        if key not in _clients:
            config = Config(
                retries={"max_attempts": 0},
                read_timeout=_SECONDS,
                proxies={},
                parameter_validation=check_parameters,
            )
            options: dict[str, Any] = {"aws_access_key_id": "rehearsal", "aws_secret_access_key": "rehearsal"}
            _clients[key] = boto3.Session(region_name=region, **options).client(
                service,  # type: ignore[call-overload]
                endpoint_url=location.current().endpoint_url,
                config=config,
            )
        return _clients[key]
