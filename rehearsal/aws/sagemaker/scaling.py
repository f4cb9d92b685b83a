"""Variants that Application Auto Scaling looks after: which it takes, and the size it gives a fleet at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from moto.applicationautoscaling.exceptions import AWSValidationException
from moto.applicationautoscaling.models import ApplicationAutoscalingBackend, applicationautoscaling_backends
from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
from moto.sagemaker.models import SageMakerModelBackend, sagemaker_backends

from rehearsal.aws.location import ACCOUNT_ID

_RESOURCE = re.compile("endpoint/([^/]+)/variant/([^/]+)")
_DIMENSION = "sagemaker:variant:DesiredInstanceCount"
_BURSTABLE = re.compile(r"ml\.t\d")


def install() -> None:
    """Check what is registered."""
    ApplicationAutoScalingResponse.register_scalable_target = _checked(
        ApplicationAutoScalingResponse.register_scalable_target
    )


def is_registered(endpoint: str, variant: str, region: str) -> bool:
    """Whether a variant is a scalable target."""
    backend: ApplicationAutoscalingBackend = applicationautoscaling_backends[ACCOUNT_ID][region]
    return f"endpoint/{endpoint}/variant/{variant}" in backend.targets.get(_DIMENSION, {})


def _checked(register: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def register_scalable_target(self: ApplicationAutoScalingResponse) -> Any:
        found = _RESOURCE.fullmatch(self._get_param("ResourceId"))
        if not found or self._get_param("ScalableDimension") != _DIMENSION:
            return register(self)
        sagemaker: SageMakerModelBackend = sagemaker_backends[ACCOUNT_ID][self.region]
        endpoint, variant = found.groups()
        _require(sagemaker, endpoint, variant)
        answer = register(self)
        _fit(sagemaker, endpoint, variant, self._get_param("MinCapacity"), self._get_param("MaxCapacity"))
        return answer

    return register_scalable_target


def _require(sagemaker: SageMakerModelBackend, endpoint: str, variant: str) -> None:
    found = sagemaker.endpoints.get(endpoint)
    config = sagemaker.endpoint_configs.get(found.endpoint_config_name) if found else None
    variants = config.production_variants if config else []
    types = {each["VariantName"]: each.get("InstanceType", "") for each in variants}
    if variant not in types:
        raise AWSValidationException(f"There is no variant {variant} of an endpoint {endpoint}.")
    if _BURSTABLE.match(types[variant]):
        raise AWSValidationException(
            f"The variant {variant} of endpoint {endpoint} is on {types[variant]}, a burstable performance instance, "
            "which is not supported for auto scaling."
        )


def _fit(sagemaker: SageMakerModelBackend, endpoint: str, variant: str, least: int | None, most: int | None) -> None:
    for each in sagemaker.endpoints[endpoint].production_variants:
        if each["VariantName"] == variant:
            count = each["DesiredInstanceCount"]
            each["DesiredInstanceCount"] = each["CurrentInstanceCount"] = min(max(count, least or count), most or count)
