"""Step Functions' AWS SDK integrations (``states:::aws-sdk:<service>:<action>``)."""

from __future__ import annotations

import datetime
from typing import Any

from botocore.response import StreamingBody
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_aws_sdk
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_aws_sdk import (
    StateTaskServiceAwsSdk,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment

from rehearsal.aws.service_models import service_model

_ERROR_PREFIXES = {
    "cloudformation": "CloudFormation",
    "cloudwatch": "CloudWatch",
    "s3": "S3",
    "sagemaker": "SageMaker",
    "secretsmanager": "SecretsManager",
    "sns": "Sns",
}


def name_errors_as_aws_does() -> None:
    """Prefix errors by the service's own spelling (``S3.NoSuchKeyException``): moto knows that of two services."""
    state_task_service_aws_sdk._SERVICE_ERROR_NAMES.update(_ERROR_PREFIXES)


def convert_requests() -> None:
    """Spell arguments as the service does, and write JSON where it takes text or bytes.

    ``Body`` of S3's PutObject is always JSON then: an object, but also a text, which arrives with quotes. moto hands
    everything on as it is.
    """

    def normalise(self: StateTaskServiceAwsSdk, parameters: dict[str, Any], *_: Any) -> None:
        self._to_boto_request(parameters, operation(self).input_shape)

    StateTaskServiceAwsSdk._normalise_parameters = normalise


def return_plain_json() -> None:
    """Turn bodies into text, times into ISO 8601, and spell members with a capital (``ExecutionArn``), as AWS does.

    moto leaves Python objects, which no later expression can read.
    """
    call = StateTaskServiceAwsSdk._eval_service_task

    def call_and_convert(self: StateTaskServiceAwsSdk, env: Environment, *args: Any, **kwargs: Any) -> None:
        call(self, env, *args, **kwargs)
        shape = operation(self).output_shape
        env.stack[-1] = as_json(env.stack[-1], shape) if shape else {}

    StateTaskServiceAwsSdk._eval_service_task = call_and_convert


def operation(task: Any) -> Any:
    """The operation that a moto task of a service calls, in botocore's model."""
    action = task.resource.api_action
    return service_model(task._get_boto_service_name()).operation_model(action[0].upper() + action[1:])


def as_json(value: Any, shape: Any) -> Any:
    """An answer of botocore's as Step Functions passes it on; ``shape`` is its place in the service's model."""
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, StreamingBody):
        return value.read().decode()
    if isinstance(value, list):
        return [as_json(member, shape.member) for member in value]
    if isinstance(value, dict) and shape.type_name == "map":
        return {name: as_json(member, shape.value) for name, member in value.items()}
    if isinstance(value, dict) and shape.type_name == "structure":
        members = {name: as_json(member, shape.members[name]) for name, member in value.items()}
        return {name[0].upper() + name[1:]: member for name, member in members.items()}
    return value
