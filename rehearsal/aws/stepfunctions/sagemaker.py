"""Step Functions' optimized SageMaker integration with ``.sync``, which moto's interpreter does not have.

Behaviour: https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html
"""

from __future__ import annotations

import contextlib
import datetime
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from botocore.exceptions import ClientError
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task_factory
from moto.stepfunctions.parser.asl.component.state.exec.state_task.credentials import StateCredentials
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import (
    ResourceCondition,
    ResourceRuntimePart,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.utils import boto_client


class _ExecutionEnded(Exception):
    """The execution has ended before the job: the task neither succeeds nor fails any more."""


class _Job(NamedTuple):
    """The names by which one type of job is described, stopped and judged."""

    describe: str
    stop: str
    name: str
    status: str


_JOBS = {
    f"create{kind}": _Job(f"describe_{snake}", f"stop_{snake}", f"{kind}Name", f"{kind}Status")
    for kind, snake in {
        "TrainingJob": "training_job",
        "ProcessingJob": "processing_job",
        "HyperParameterTuningJob": "hyper_parameter_tuning_job",
        "TransformJob": "transform_job",
    }.items()
}

# SageMaker's modelled errors keep their names; every other one is AmazonSageMakerException.
_MODELLED_ERRORS = {"ResourceInUse", "ResourceLimitExceeded", "ResourceNotFound", "ConflictException"}


def integrate_sagemaker_jobs() -> None:
    """Offer ``states:::sagemaker:create*Job[.sync]``: moto refuses every SageMaker resource."""
    other_services = state_task_factory.state_task_service_for

    def service_for(service_name: str) -> Any:
        return SageMakerJobTask() if service_name == "sagemaker" else other_services(service_name)

    state_task_factory.state_task_service_for = service_for


class SageMakerJobTask(StateTaskServiceCallback):
    """A task that creates a SageMaker job and, with ``.sync``, waits for its end and yields its description."""

    def __init__(self) -> None:
        # moto's base class reaches for a callback endpoint even without waitForTaskToken.
        super().__init__(supported_integration_patterns={ResourceCondition.Sync, ResourceCondition.WaitForTaskToken})

    def _get_supported_parameters(self) -> set[str] | None:
        return set() if self.resource.api_action in _JOBS else None

    def _eval_service_task(
        self,
        env: Environment,
        resource_runtime_part: ResourceRuntimePart,
        normalised_parameters: dict[str, Any],
        state_credentials: StateCredentials,
    ) -> None:
        client = self._client(resource_runtime_part, state_credentials)
        response = getattr(client, self._get_boto_service_action())(**normalised_parameters)
        env.stack.append(_as_json(response))

    def _build_sync_resolver(
        self,
        env: Environment,
        resource_runtime_part: ResourceRuntimePart,
        normalised_parameters: dict[str, Any],
        state_credentials: StateCredentials,
    ) -> Callable[[], Any]:
        env.stack.pop()
        job = _JOBS[self.resource.api_action]
        client = self._client(resource_runtime_part, state_credentials)
        identity = {job.name: normalised_parameters[job.name]}

        def description_at_end() -> dict[str, Any] | None:
            description: dict[str, Any] = _as_json(getattr(client, job.describe)(**identity))
            if description[job.status] == "Completed":
                return description
            if description[job.status] in ("Failed", "Stopped"):
                failed = StatesErrorNameType.StatesTaskFailed
                raise FailureEventException(
                    self._failure(env, StatesErrorName(typ=failed), failed.to_name(), json.dumps(description))
                )
            return None

        self._stop_job = lambda: getattr(client, job.stop)(**identity)
        return description_at_end

    def _eval_sync(self, env: Environment, *args: Any, **kwargs: Any) -> Any:
        outcome = super()._eval_sync(env, *args, **kwargs)
        if not env.is_running():
            # A stopped or timed-out execution takes its job with it.
            with contextlib.suppress(ClientError):
                self._stop_job()
            raise _ExecutionEnded
        return outcome

    def _after_eval_execution(self, env: Environment, *args: Any, **kwargs: Any) -> None:
        try:
            super()._after_eval_execution(env, *args, **kwargs)
        except _ExecutionEnded:
            env.stack.append(None)  # nobody reads it, but moto takes a value from the stack

    def _from_error(self, env: Environment, ex: Exception) -> FailureEvent:
        if isinstance(ex, ClientError):
            code = ex.response["Error"]["Code"]
            known = code.removesuffix("Exception") + "Exception" if code in _MODELLED_ERRORS else ""
            error = f"SageMaker.{known or 'AmazonSageMakerException'}"
            return self._failure(env, CustomErrorName(error), error, ex.response["Error"]["Message"])
        return super()._from_error(env=env, ex=ex)

    def _failure(self, env: Environment, name: ErrorName, error: str, cause: str) -> FailureEvent:
        details = TaskFailedEventDetails(
            resource=self._get_sfn_resource(),
            resourceType=self._get_sfn_resource_type(),
            error=error,
            cause=cause,
        )
        return FailureEvent(
            env=env,
            error_name=name,
            event_type=HistoryEventType.TaskFailed,
            event_details=EventDetails(taskFailedEventDetails=details),
        )

    @staticmethod
    def _client(part: ResourceRuntimePart, credentials: StateCredentials) -> Any:
        return boto_client.boto_client_for(service="sagemaker", region=part.region, state_credentials=credentials)


def _as_json(response: Any) -> Any:
    """An SDK response as the optimized integrations give it: times are milliseconds since 1970."""
    if isinstance(response, dict):
        return {name: _as_json(value) for name, value in response.items() if name != "ResponseMetadata"}
    if isinstance(response, list):
        return [_as_json(value) for value in response]
    if isinstance(response, datetime.datetime):
        return int(response.timestamp() * 1000)
    return response
