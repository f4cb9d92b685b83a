"""AWS's clients for the page, and AWS's errors as sentences that say what to do."""

import json
from functools import cache
from http import HTTPStatus
from typing import Any

import boto3
from botocore import exceptions
from botocore.config import Config

from console.remedies import EXPIRED, LOST, REFUSED

_UNREACHED = (exceptions.HTTPClientError, exceptions.ConnectionError)
_CONFIG = Config(
    connect_timeout=5,
    read_timeout=65,  # SageMaker gives a model 60
    retries={"mode": "standard", "total_max_attempts": 2},
)


class Failure(Exception):
    """What went wrong, as a sentence for whoever looks at the page, and an HTTP status."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@cache
def client(service: str) -> Any:
    """A client that is made once, and anew after AWS refused the credentials: they may have been renewed."""
    session: Any = boto3.Session()
    return session.client(service, config=_CONFIG)


def failure(error: exceptions.BotoCoreError | exceptions.ClientError) -> Failure:
    """The error as a sentence."""
    if isinstance(error, exceptions.ClientError):
        return _refusal(error.response)
    if isinstance(error, LOST):
        _renew()
        return Failure(
            HTTPStatus.FORBIDDEN,
            f"There are no valid AWS credentials: {_ended(str(error))} Renew them, then ask again.",
        )
    if isinstance(error, _UNREACHED):
        return Failure(
            HTTPStatus.BAD_GATEWAY,
            f"AWS does not answer: {_ended(str(error))} Is there a network, and does the rehearsal still run?",
        )
    return Failure(HTTPStatus.BAD_GATEWAY, _ended(str(error)))


def _renew() -> None:
    client.cache_clear()
    boto3.setup_default_session()


def _refusal(response: Any) -> Failure:
    if "OriginalMessage" in response:
        return Failure(response.get("OriginalStatusCode") or HTTPStatus.BAD_GATEWAY, _of_model(response))
    code, message = response["Error"].get("Code", ""), _ended(response["Error"].get("Message", ""))
    if code in EXPIRED:
        _renew()
        return Failure(HTTPStatus.FORBIDDEN, "The AWS credentials have expired. Renew them, then ask again.")
    if code in REFUSED:
        _renew()
        return Failure(HTTPStatus.FORBIDDEN, f"AWS does not accept the credentials: {message}")
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return Failure(status if status >= HTTPStatus.BAD_REQUEST else HTTPStatus.BAD_GATEWAY, f"{code}: {message}")


def _of_model(response: Any) -> str:
    """What the model says for itself: its own sentence, if it is one of this application's."""
    message: str = response["OriginalMessage"]
    try:
        return str(json.loads(message)["error"])
    except (ValueError, KeyError, TypeError):
        return _ended(message[:500] or "The model failed and gave no reason")


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."
