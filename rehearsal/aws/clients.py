"""Clients by which parts of the emulated AWS call each other."""

from __future__ import annotations

import threading
from typing import Any

import boto3
from botocore.config import Config

from rehearsal.aws import location
from rehearsal.aws.iam.principals import USER, Principal, credentials

_SECONDS = 24 * 3600
"""A Lambda function's answer may take long; nothing else is slow on loopback."""

_lock = threading.Lock()
_session = boto3.Session()  # one, as each reads the services' models anew
_clients: dict[tuple[str, str, bool, Principal], Any] = {}


def client(service: str, region: str, principal: Principal = USER, *, check_parameters: bool = True) -> Any:
    """A client of the emulated AWS that acts as a principal.

    It is made once: boto3 makes clients slowly, and not safely from several threads.
    """
    with _lock:
        key = (service, region, check_parameters, principal)
        if key not in _clients:
            config = Config(
                retries={"max_attempts": 0},
                read_timeout=_SECONDS,
                proxies={},
                parameter_validation=check_parameters,
            )
            given = credentials(principal)
            _clients[key] = _session.client(
                service,  # type: ignore[call-overload]
                region_name=region,
                aws_access_key_id=given.access_key_id,
                aws_secret_access_key=given.secret_access_key,
                aws_session_token=given.session_token,
                endpoint_url=location.current().endpoint_url,
                config=config,
            )
        return _clients[key]
