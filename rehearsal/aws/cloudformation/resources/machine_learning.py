"""SageMaker and the scaling of its endpoints."""

from __future__ import annotations

import contextlib
import time
from typing import Any

from rehearsal.aws import clients
from rehearsal.aws.cloudformation.resource_type import (
    Context,
    Properties,
    PutType,
    ResourceFailed,
    ResourceType,
    chosen,
)
from rehearsal.aws.cloudformation.templates import Deployed

_POLL_SECONDS = 0.25


class ModelPackageGroup(ResourceType):
    """``AWS::SageMaker::ModelPackageGroup``"""

    name = "AWS::SageMaker::ModelPackageGroup"
    replaced_by = frozenset({"ModelPackageGroupName", "ModelPackageGroupDescription"})

    def create(self, context: Context, properties: Properties) -> Deployed:
        """Create the group."""
        arn = context.client("sagemaker").create_model_package_group(**properties)["ModelPackageGroupArn"]
        return Deployed(arn, {"ModelPackageGroupArn": arn})

    def delete(self, context: Context, physical_id: str) -> None:
        """Remove the group; SageMaker refuses while it has packages."""
        group = physical_id.rsplit("/", 1)[1]
        context.client("sagemaker").delete_model_package_group(ModelPackageGroupName=group)


class Model(ResourceType):
    """``AWS::SageMaker::Model``: no property of it can change in place."""

    name = "AWS::SageMaker::Model"
    replaced_by = frozenset(
        {"ModelName", "PrimaryContainer", "Containers", "ExecutionRoleArn", "VpcConfig", "EnableNetworkIsolation"}
    )

    def create(self, context: Context, properties: Properties) -> Deployed:
        """Create the model."""
        model = properties.get("ModelName") or context.unique_name(63)
        created = context.client("sagemaker").create_model(**{**properties, "ModelName": model})
        return Deployed(created["ModelArn"], {"ModelName": model})

    def delete(self, context: Context, physical_id: str) -> None:
        """Remove the model."""
        _delete_by_arn(context, "Model", physical_id)


class EndpointConfig(ResourceType):
    """``AWS::SageMaker::EndpointConfig``: no property of it can change in place."""

    name = "AWS::SageMaker::EndpointConfig"
    replaced_by = frozenset(
        {"EndpointConfigName", "ProductionVariants", "ShadowProductionVariants", "DataCaptureConfig", "KmsKeyId"}
    )

    def create(self, context: Context, properties: Properties) -> Deployed:
        """Create the configuration."""
        config = properties.get("EndpointConfigName") or context.unique_name(63)
        created = context.client("sagemaker").create_endpoint_config(**{**properties, "EndpointConfigName": config})
        return Deployed(created["EndpointConfigArn"], {"EndpointConfigName": config})

    def delete(self, context: Context, physical_id: str) -> None:
        """Remove the configuration."""
        _delete_by_arn(context, "EndpointConfig", physical_id)


class Endpoint(ResourceType):
    """``AWS::SageMaker::Endpoint``: done when it is in service on the configuration that was asked for."""

    name = "AWS::SageMaker::Endpoint"
    replaced_by = frozenset({"EndpointName"})

    def create(self, context: Context, properties: Properties) -> Deployed:
        """Create the endpoint and wait until it serves."""
        endpoint = properties.get("EndpointName") or context.unique_name(63)
        options = chosen(properties, "EndpointConfigName", "DeploymentConfig", "Tags")
        sagemaker = context.client("sagemaker")
        created = sagemaker.create_endpoint(EndpointName=endpoint, **options)
        try:
            _wait_for_endpoint(context, endpoint, properties["EndpointConfigName"])
        except ResourceFailed:
            sagemaker.delete_endpoint(EndpointName=endpoint)
            raise
        return Deployed(created["EndpointArn"], {"EndpointName": endpoint})

    def update(self, context: Context, physical_id: str, properties: Properties) -> Deployed:
        """Move the endpoint to another configuration and wait until it serves from that."""
        sagemaker = context.client("sagemaker")
        endpoint = properties.get("EndpointName") or physical_id.rsplit("/", 1)[1]
        options = chosen(
            properties,
            "EndpointConfigName",
            "RetainAllVariantProperties",
            "ExcludeRetainedVariantProperties",
            "DeploymentConfig",
        )
        if not _serves(sagemaker.describe_endpoint(EndpointName=endpoint), properties["EndpointConfigName"]):
            sagemaker.update_endpoint(EndpointName=endpoint, **options)
            _wait_for_endpoint(context, endpoint, properties["EndpointConfigName"])
        return Deployed(physical_id, {"EndpointName": endpoint})

    def delete(self, context: Context, physical_id: str) -> None:
        """Remove the endpoint."""
        _delete_by_arn(context, "Endpoint", physical_id)


class ScalableTarget(PutType):
    """``AWS::ApplicationAutoScaling::ScalableTarget``: kept; one local process serves whatever the load."""

    name = "AWS::ApplicationAutoScaling::ScalableTarget"
    replaced_by = frozenset({"ServiceNamespace", "ResourceId", "ScalableDimension"})

    def put(self, context: Context, physical_id: str | None, properties: Properties) -> Deployed:  # noqa: ARG002
        """Register the target."""
        options = chosen(
            properties, "ServiceNamespace", "ResourceId", "ScalableDimension", "MinCapacity", "MaxCapacity", "RoleARN"
        )
        context.client("application-autoscaling").register_scalable_target(**options)
        identity = "|".join(properties[name] for name in ("ResourceId", "ScalableDimension", "ServiceNamespace"))
        return Deployed(identity, {"Id": identity})

    def delete(self, context: Context, physical_id: str) -> None:
        """Deregister the target, and with it its policies."""
        autoscaling = context.client("application-autoscaling")
        resource, dimension, service = physical_id.split("|")
        target = {"ServiceNamespace": service, "ResourceId": resource, "ScalableDimension": dimension}
        with contextlib.suppress(autoscaling.exceptions.ObjectNotFoundException):
            autoscaling.deregister_scalable_target(**target)


class ScalingPolicy(PutType):
    """``AWS::ApplicationAutoScaling::ScalingPolicy``"""

    name = "AWS::ApplicationAutoScaling::ScalingPolicy"
    replaced_by = frozenset({"PolicyName", "ScalingTargetId", "ResourceId", "ScalableDimension", "ServiceNamespace"})

    def put(self, context: Context, physical_id: str | None, properties: Properties) -> Deployed:  # noqa: ARG002
        """Create or change the policy."""
        options = chosen(
            properties,
            "PolicyName",
            "PolicyType",
            "ResourceId",
            "ScalableDimension",
            "ServiceNamespace",
            "TargetTrackingScalingPolicyConfiguration",
            "StepScalingPolicyConfiguration",
        )
        if "ScalingTargetId" in properties:
            names = ("ResourceId", "ScalableDimension", "ServiceNamespace")
            options |= dict(zip(names, properties["ScalingTargetId"].split("|"), strict=True))
        arn = context.client("application-autoscaling").put_scaling_policy(**options)["PolicyARN"]
        return Deployed(arn, {"Arn": arn})

    def delete(self, context: Context, physical_id: str) -> None:
        """Remove the policy. Its ARN holds service, resource and name: the API wants them apart."""
        autoscaling = context.client("application-autoscaling")
        service, rest = physical_id.split(":resource/", 1)[1].split("/", 1)
        resource, policy = rest.split(":policyName/", 1)
        for found in autoscaling.describe_scaling_policies(ServiceNamespace=service)["ScalingPolicies"]:
            if found["ResourceId"] == resource and found["PolicyName"] == policy:
                target = chosen(found, "PolicyName", "ServiceNamespace", "ResourceId", "ScalableDimension")
                autoscaling.delete_scaling_policy(**target)


def _serves(description: dict[str, Any], config: str) -> bool:
    return (description["EndpointStatus"], description["EndpointConfigName"]) == ("InService", config)


def _wait_for_endpoint(context: Context, endpoint: str, config: str) -> None:
    """Wait for the end of a creation or an update.

    Raises
    ------
    ResourceFailed
        The endpoint failed, or SageMaker took it back to its earlier configuration.
    """
    sagemaker = context.client("sagemaker")
    while True:
        description = sagemaker.describe_endpoint(EndpointName=endpoint)
        if description["EndpointStatus"] not in ("Creating", "Updating", "SystemUpdating", "RollingBack"):
            break
        time.sleep(_POLL_SECONDS)
    if not _serves(description, config):
        reason = description.get("FailureReason") or f"the endpoint went back to {description['EndpointConfigName']}"
        raise ResourceFailed(f"Endpoint {endpoint} is {description['EndpointStatus']} and not on {config}: {reason}")


def _delete_by_arn(context: Context, kind: str, arn: str) -> None:
    """Delete what has this ARN; the API wants its name. What is gone already is no error."""
    # CloudFormation knows the name without asking: looking it up is the rehearsal's own doing.
    sagemaker = clients.client("sagemaker", context.region)
    operation = {"Model": "model", "EndpointConfig": "endpoint_config", "Endpoint": "endpoint"}[kind]
    pages = sagemaker.get_paginator(f"list_{operation}s").paginate()
    names = [found[f"{kind}Name"] for page in pages for found in page[f"{kind}s"] if found[f"{kind}Arn"] == arn]
    for name in names:
        getattr(context.client("sagemaker"), f"delete_{operation}")(**{f"{kind}Name": name})
