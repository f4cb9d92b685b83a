"""InvokeEndpoint: a request to an endpoint is passed on to the server that answers for it."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from http import HTTPStatus
from typing import Any

from moto.sagemakerruntime.responses import SageMakerRuntimeResponse

from rehearsal.aws import metrics
from rehearsal.aws.sagemaker import endpoints
from rehearsal.aws.sagemaker.endpoints import InService
from rehearsal.aws.service_models import service_model

_TIMEOUT_SECONDS = 60
_PASSED_ON = ("content-type", "accept")
_PREFIX = "x-amzn-sagemaker-"

Answer = tuple[int, dict[str, str], str | bytes]


def invoke_endpoint(self: SageMakerRuntimeResponse) -> Answer:
    """InvokeEndpoint asks the endpoint's server; moto's answers with canned data."""
    name = self.path.split("/")[2]
    with endpoints.in_service(self.current_account, self.region, name) as serving:
        return _invoke(self, name, serving)


def _invoke(self: SageMakerRuntimeResponse, name: str, serving: InService | None) -> Answer:
    if serving is None:
        return _not_found(self, name)
    if refused := _refused_target(self, name, serving):
        return _error(400, "ValidationError", refused)
    body: bytes = self.body
    limit = _body_limit()
    if len(body) > limit:
        return _error(413, "ValidationError", f"Request size {len(body)} exceeds the limit of {limit} bytes.")
    headers = {
        header: value
        for header, value in self.headers.items()
        if header.lower() in _PASSED_ON or header.lower().startswith(_PREFIX)
    }
    started = time.monotonic()
    answer = _ask(self, name, serving, body, headers)
    _count(self.region, name, serving.variant, answer, time.monotonic() - started)
    if serving.capture and answer[0] == HTTPStatus.OK:
        asked = {header.lower(): value for header, value in headers.items()}
        serving.capture.keep(
            serving.container.principal,
            self.region,
            name,
            serving.variant,
            (asked.get("content-type", ""), body),
            (answer[1]["Content-Type"], answer[2] if isinstance(answer[2], bytes) else answer[2].encode()),
            asked.get(f"{_PREFIX}inference-id"),
        )
    return answer


def _refused_target(self: SageMakerRuntimeResponse, name: str, serving: InService) -> str | None:
    """What is wrong with the model or the variant that a request asks for; an endpoint here has one of each."""
    if f"{_PREFIX}target-model" in self.headers:
        return f"Endpoint {name} is not a multi-model endpoint and does not support target model header."
    variant = self.headers.get(f"{_PREFIX}target-variant", serving.variant)
    return None if variant == serving.variant else f"Endpoint {name} has no production variant {variant}."


def invoke_endpoint_async(self: SageMakerRuntimeResponse) -> Answer:
    """InvokeEndpointAsync, for endpoints whose configuration has an AsyncInferenceConfig; none here has."""
    name = self.path.split("/")[2]
    with endpoints.in_service(self.current_account, self.region, name) as serving:
        if serving is None:
            return _not_found(self, name)
    return _error(400, "ValidationError", f"Endpoint {name} does not support asynchronous inference.")


def _ask(self: SageMakerRuntimeResponse, name: str, serving: InService, body: bytes, headers: dict[str, str]) -> Answer:
    request = urllib.request.Request(f"{serving.container.url}/invocations", data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
            returned = {
                header: value for header, value in response.headers.items() if header.lower().startswith(_PREFIX)
            }
            returned["Content-Type"] = response.headers.get("Content-Type", "application/json")
            returned["x-Amzn-Invoked-Production-Variant"] = serving.variant
            return 200, returned, response.read()
    except urllib.error.HTTPError as error:
        return _model_error(self, name, error.code, error.read().decode(errors="replace"))
    except TimeoutError:
        message = "Your invocation timed out while waiting for a response from container primary."
        return _model_error(self, name, 0, message)
    except OSError as error:
        return _error(503, "ServiceUnavailable", f"The container of endpoint {name} does not answer: {error}")


def _count(region: str, endpoint: str, variant: str, answer: Answer, seconds: float) -> None:
    """Publish what SageMaker does of each invocation; an error counts by the status that the model gave."""
    status = answer[0]
    if status == HTTPStatus.FAILED_DEPENDENCY:
        status = json.loads(answer[2])["OriginalStatusCode"]
    refused = 400 <= status < 500
    failed = status != HTTPStatus.OK and not refused
    counts = {"Invocations": 1, "Invocation4XXErrors": int(refused), "Invocation5XXErrors": int(failed)}
    dimensions = {"EndpointName": endpoint, "VariantName": variant}
    metrics.publish("AWS/SageMaker", region, dimensions, counts, "None")
    metrics.publish("AWS/SageMaker", region, dimensions, {"ModelLatency": seconds * 1e6}, "Microseconds")


def _model_error(self: SageMakerRuntimeResponse, endpoint: str, status: int, message: str) -> Answer:
    side = "client" if 400 <= status < 500 else "server"
    group = f"/aws/sagemaker/Endpoints/{endpoint}"
    text = (
        f'Received {side} error ({status}) from primary with message "{message}". See CloudWatch log group '
        f"{group} in account {self.current_account} for more information."
    )
    stream = f"arn:aws:logs:{self.region}:{self.current_account}:log-group:{group}"
    return _error(424, "ModelError", text, OriginalStatusCode=status, OriginalMessage=message, LogStreamArn=stream)


def _not_found(self: SageMakerRuntimeResponse, name: str) -> Answer:
    return _error(400, "ValidationError", f"Endpoint {name} of account {self.current_account} not found.")


def _error(status: int, code: str, message: str, **members: Any) -> Answer:
    headers = {"status": str(status), "x-amzn-errortype": code, "Content-Type": "application/json"}
    return status, headers, json.dumps({"Message": message, **members})


def _body_limit() -> int:
    operation = service_model("sagemaker-runtime").operation_model("InvokeEndpoint")
    limit: int = operation.input_shape.members["Body"].metadata["max"]
    return limit
