"""The endpoint that the page asks."""

import json
import time
from http import HTTPStatus
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from console.try_page.aws import Failure, client, failure

MAXIMUM_BODY = 6_291_456
"""Bytes: SageMaker takes no more."""


class Endpoint:
    """A SageMaker endpoint, real or rehearsed. Raises BotoCoreError where there is no region to find it in."""

    def __init__(self, name: str) -> None:
        self.name = name
        meta = client("sagemaker-runtime").meta
        self.region: str = meta.region_name
        self.address: str = meta.endpoint_url

    def count(self, photo: bytes) -> dict[str, Any]:
        """The endpoint's answer and the `milliseconds` that it took. Raises Failure."""
        started = time.perf_counter()
        try:
            # What the bytes are decides: a file's name may be wrong.
            response = client("sagemaker-runtime").invoke_endpoint(
                EndpointName=self.name, ContentType="application/x-image", Accept="application/json", Body=photo
            )
            content = response["Body"].read()
        except ClientError as error:
            if _not_found(error):
                raise Failure(
                    HTTPStatus.NOT_FOUND,
                    f"There is no endpoint {self.name} in {self.region}: no model has been deployed yet, "
                    "or it has another name, which --endpoint gives.",
                ) from error
            raise failure(error) from error
        except BotoCoreError as error:
            raise failure(error) from error
        milliseconds = round((time.perf_counter() - started) * 1000)
        return _understood(content) | {"milliseconds": milliseconds}


def _not_found(error: ClientError) -> bool:
    found = error.response["Error"]
    return found.get("Code") == "ValidationError" and "not found" in found.get("Message", "")


def _understood(content: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(content)
        shown = {"count": answer["count"], "labels": answer["labels"], "probabilities": answer["probabilities"]}
        return shown | {"model": answer.get("model")}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Failure(
            HTTPStatus.BAD_GATEWAY, "The endpoint's answer is not a count of items: is it one of Stocktake's?"
        ) from None
