"""All repairs and extensions of moto's SageMaker, put in place in one call."""

from __future__ import annotations

from typing import Any

from moto.sagemaker.models import (
    PAGINATION_MODEL,
    FakeEndpoint,
    FakeEndpointConfig,
    ModelPackage,
    SageMakerModelBackend,
)
from moto.sagemaker.responses import SageMakerResponse
from moto.sagemakerruntime.responses import SageMakerRuntimeResponse

from rehearsal.aws import constraints
from rehearsal.aws.sagemaker import (
    endpoints,
    listings,
    lookups,
    model_packages,
    processing,
    runtime,
    scaling,
    training,
    tuning,
)

_REPLACED: dict[type, dict[str, Any]] = {
    SageMakerResponse: {
        "create_training_job": training.create_training_job,
        "stop_training_job": training.stop_training_job,
        "create_hyper_parameter_tuning_job": tuning.create_hyper_parameter_tuning_job,
        "stop_hyper_parameter_tuning_job": tuning.stop_hyper_parameter_tuning_job,
        "list_models": listings.list_models,
        "list_training_jobs": listings.list_training_jobs,
        "list_processing_jobs": listings.list_processing_jobs,
        "list_hyper_parameter_tuning_jobs": listings.list_hyper_parameter_tuning_jobs,
        "list_training_jobs_for_hyper_parameter_tuning_job": (tuning.list_training_jobs_for_hyper_parameter_tuning_job),
        "create_processing_job": processing.create_processing_job,
        "stop_processing_job": processing.stop_processing_job,
        "describe_endpoint_config": endpoints.describe_endpoint_config,
        "describe_model": lookups.describe_model,
        "update_endpoint": endpoints.respond_to_update_endpoint,
        "delete_model_package": model_packages.delete_model_package,
        "delete_model_package_group": model_packages.delete_model_package_group,
    },
    SageMakerModelBackend: {
        "create_endpoint": endpoints.create_endpoint,
        "update_endpoint": endpoints.update_endpoint,
        "delete_endpoint": endpoints.delete_endpoint,
        "describe_endpoint": lookups.describe_endpoint,
        "describe_endpoint_config": lookups.describe_endpoint_config,
        "describe_training_job": lookups.describe_training_job,
        "describe_processing_job": lookups.describe_processing_job,
        "describe_hyper_parameter_tuning_job": lookups.describe_hyper_parameter_tuning_job,
        "_get_resource_from_arn": lookups.resource_of_arn,
        "create_model_package_group": model_packages.create_model_package_group,
        "create_model": model_packages.create_model,
        "create_model_package": model_packages.create_model_package,
        "describe_model_package": model_packages.describe_model_package,
        "update_model_package": model_packages.update_model_package,
    },
    FakeEndpoint: {"response_object": property(endpoints.describe)},
    FakeEndpointConfig: {
        "validate_instance_type": endpoints.validate_instance_type,
        "validate_production_variants": endpoints.validate_production_variants,
    },
    ModelPackage: {"gen_response_object": model_packages.gen_response_object},
    SageMakerRuntimeResponse: {
        "invoke_endpoint": runtime.invoke_endpoint,
        "invoke_endpoint_async": runtime.invoke_endpoint_async,
        "use_raw_body": True,  # moto decodes every body as UTF-8, and a photo is none
    },
}


def install() -> None:
    """Extend moto in this process; once, before its server starts."""
    for owner, replacements in _REPLACED.items():
        for name, replacement in replacements.items():
            setattr(owner, name, replacement)
    for paging in PAGINATION_MODEL.values():
        paging["fail_on_invalid_token"] = listings.InvalidNextToken
    scaling.install()
    constraints.enforce(SageMakerResponse, "sagemaker")
