"""What a name or an ARN stands for, and AWS's sentences when it stands for nothing: moto has sentences of its own."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.sagemaker.exceptions import AWSValidationException
from moto.sagemaker.models import FakeEndpoint, FakeEndpointConfig, SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse

from rehearsal.aws.sagemaker import jobs, processing, tuning

_resource_of_arn = SageMakerModelBackend._get_resource_from_arn


def without_empty(description: dict[str, Any]) -> dict[str, Any]:
    """AWS leaves out what was not asked for; clients that check required members fail at moto's empty structures."""
    return {name: value for name, value in description.items() if value not in (None, {}, [], [None])}


def describe_model(self: SageMakerResponse) -> ActionResult:
    """The DescribeModel operation."""
    return ActionResult(
        without_empty(self.sagemaker_backend.describe_model(self._get_param("ModelName")).response_object)
    )


def describe_endpoint(self: SageMakerModelBackend, endpoint_name: str) -> dict[str, Any]:
    """DescribeEndpoint's answer."""
    if endpoint_name not in self.endpoints:
        arn = FakeEndpoint.arn_formatter(endpoint_name, self.account_id, self.region_name)
        raise AWSValidationException(f'Could not find endpoint "{arn}".')
    description: dict[str, Any] = self.endpoints[endpoint_name].response_object
    return description


def describe_endpoint_config(self: SageMakerModelBackend, endpoint_config_name: str) -> dict[str, Any]:
    """DescribeEndpointConfig's answer."""
    if endpoint_config_name not in self.endpoint_configs:
        arn = FakeEndpointConfig.arn_formatter(endpoint_config_name, self.account_id, self.region_name)
        raise AWSValidationException(f'Could not find endpoint configuration "{arn}".')
    description: dict[str, Any] = self.endpoint_configs[endpoint_config_name].response_object
    return description


def describe_training_job(self: SageMakerModelBackend, training_job_name: str) -> dict[str, Any]:
    """DescribeTrainingJob's answer."""
    return jobs.find(self.training_jobs, training_job_name).response_object


def describe_processing_job(self: SageMakerModelBackend, processing_job_name: str) -> dict[str, Any]:
    """DescribeProcessingJob's answer."""
    return processing.find(self, processing_job_name).response_object


def describe_hyper_parameter_tuning_job(
    self: SageMakerModelBackend, hyper_parameter_tuning_job_name: str
) -> dict[str, Any]:
    """DescribeHyperParameterTuningJob's answer."""
    return tuning.find(self, hyper_parameter_tuning_job_name).response_object


def resource_of_arn(self: SageMakerModelBackend, arn: str) -> Any:
    """What is tagged: moto fails at a model package's two slashes, and takes an unknown name for a resource."""
    if ":model-package/" in arn:
        package = self.describe_model_package(arn)
        package.tags = package.tags or []
        return package
    try:
        found = _resource_of_arn(self, arn)
    except (AttributeError, ValueError):  # a kind that it does not know, or no ARN of the form kind/name
        found = None
    if found is None:
        raise AWSValidationException(f"Could not find a resource with the ARN {arn}.")
    return found
