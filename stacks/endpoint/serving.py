"""The model package behind an endpoint: model, endpoint configuration, endpoint."""

from collections.abc import Sequence
from typing import NamedTuple

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from stacks.settings import DeploymentSettings

# Autoscaling and the alarms know the variant by its name: it must never change.
VARIANT = "live"


class Serving(NamedTuple):
    """What exists only with a model."""

    model: sagemaker.CfnModel
    config: sagemaker.CfnEndpointConfig
    endpoint: sagemaker.CfnEndpoint


def serving(
    scope: Construct,
    settings: DeploymentSettings,
    *,
    package_arn: str,
    role: iam.IRole,
    alarms: Sequence[cloudwatch.Alarm],
) -> Serving:
    """An endpoint whose update is blue/green and rolled back by the alarms."""
    model = sagemaker.CfnModel(
        scope,
        "Model",
        execution_role_arn=role.role_arn,
        primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
            model_package_name=package_arn,
            environment={"STOCKTAKE_MODEL_PACKAGE": package_arn},
        ),
    )
    config = sagemaker.CfnEndpointConfig(
        scope,
        "EndpointConfig",
        production_variants=[
            sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                variant_name=VARIANT,
                model_name=model.attr_model_name,
                instance_type=settings.endpoint_instance_type,
                initial_instance_count=settings.endpoint_instances,
                initial_variant_weight=1,
                container_startup_health_check_timeout_in_seconds=600,
            )
        ],
    )
    endpoint = sagemaker.CfnEndpoint(
        scope,
        "Endpoint",
        endpoint_name=settings.name,
        endpoint_config_name=config.attr_endpoint_config_name,
        # Otherwise a release would bring a fleet that has scaled out back to its initial size.
        retain_all_variant_properties=True,
        deployment_config=sagemaker.CfnEndpoint.DeploymentConfigProperty(
            blue_green_update_policy=sagemaker.CfnEndpoint.BlueGreenUpdatePolicyProperty(
                traffic_routing_configuration=_traffic(settings.endpoint_instances),
                # Longer than the alarms take to see that something is wrong.
                termination_wait_in_seconds=600,
                maximum_execution_timeout_in_seconds=3600,
            ),
            auto_rollback_configuration=sagemaker.CfnEndpoint.AutoRollbackConfigProperty(
                alarms=[sagemaker.CfnEndpoint.AlarmProperty(alarm_name=alarm.alarm_name) for alarm in alarms]
            ),
        ),
    )
    return Serving(model, config, endpoint)


def _traffic(instances: int) -> sagemaker.CfnEndpoint.TrafficRoutingConfigProperty:
    """One instance can only be switched whole; from two on a part of the traffic tries the new fleet first."""
    if instances == 1:
        return sagemaker.CfnEndpoint.TrafficRoutingConfigProperty(type="ALL_AT_ONCE", wait_interval_in_seconds=0)
    return sagemaker.CfnEndpoint.TrafficRoutingConfigProperty(
        type="CANARY",
        canary_size=sagemaker.CfnEndpoint.CapacitySizeProperty(type="INSTANCE_COUNT", value=1),
        wait_interval_in_seconds=300,
    )
