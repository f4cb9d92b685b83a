"""Step Functions' AWS SDK integrations (``states:::aws-sdk:<service>:<action>``)."""

from __future__ import annotations

import datetime
import json
from typing import Any

from botocore.response import StreamingBody
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_aws_sdk
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_aws_sdk import (
    StateTaskServiceAwsSdk,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment

_ERROR_PREFIXES = {
    "cloudformation": "CloudFormation",
    "cloudwatch": "CloudWatch",
    "s3": "S3",
    "sagemaker": "SageMaker",
    "sns": "Sns",
}


def name_errors_as_aws_does() -> None:
    """Prefix errors by the service's own spelling (``S3.NoSuchKeyException``): moto knows that of two services."""
    state_task_service_aws_sdk._SERVICE_ERROR_NAMES.update(_ERROR_PREFIXES)


def write_bodies_as_json() -> None:
    """Make JSON of what ``s3:putObject`` is to write, texts included: moto hands it on, and boto refuses objects."""
    call = StateTaskServiceAwsSdk._eval_service_task

    def call_with_json(
        self: StateTaskServiceAwsSdk, env: Environment, *, normalised_parameters: dict[str, Any], **kwargs: Any
    ) -> None:
        is_put = (self.resource.api_name, self.resource.api_action) == ("s3", "putObject")
        if is_put and "Body" in normalised_parameters:
            text = json.dumps(normalised_parameters["Body"], separators=(",", ":"), ensure_ascii=False)
            normalised_parameters = normalised_parameters | {"Body": text}
        call(self, env, normalised_parameters=normalised_parameters, **kwargs)

    StateTaskServiceAwsSdk._eval_service_task = call_with_json


def return_plain_json() -> None:
    """Turn bodies into text and times into ISO 8601: moto leaves Python objects, which no later expression can read."""
    call = StateTaskServiceAwsSdk._eval_service_task

    def call_and_convert(self: StateTaskServiceAwsSdk, env: Environment, *args: Any, **kwargs: Any) -> None:
        call(self, env, *args, **kwargs)
        env.stack[-1] = _as_json(env.stack[-1])

    StateTaskServiceAwsSdk._eval_service_task = call_and_convert


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_json(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_as_json(member) for member in value]
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, StreamingBody):
        return value.read().decode()
    return value
