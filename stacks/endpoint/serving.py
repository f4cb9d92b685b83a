"""The model package behind an endpoint: model, endpoint configuration, endpoint."""

from collections.abc import Sequence

from aws_cdk import CfnTag
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from stacks.company.encryption import has_local_storage
from stacks.company.network import model_network
from stacks.settings import DEPLOYMENT, DeploymentSettings
from stacks.storage import CAPTURED

# Autoscaling and the alarms know the variant by its name: it must never change.
VARIANT = "live"


def served(
    scope: Construct, settings: DeploymentSettings, *, package_arn: str, role: iam.IRole, data_bucket: s3.IBucket
) -> tuple[sagemaker.CfnModel, sagemaker.CfnEndpointConfig]:
    """The package as a model, and how it is to be served."""
    tags = _tags(settings)
    model = sagemaker.CfnModel(
        scope,
        "Model",
        execution_role_arn=role.role_arn,
        primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
            model_package_name=package_arn,
            environment={"STOCKTAKE_MODEL_PACKAGE": package_arn},
        ),
        tags=tags,
        vpc_config=model_network(settings),
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
        data_capture_config=_capture(settings, data_bucket),
        tags=tags,
        kms_key_id=None if has_local_storage(settings.endpoint_instance_type) else settings.kms_key,
    )
    return model, config


def endpoint(
    scope: Construct,
    settings: DeploymentSettings,
    config: sagemaker.CfnEndpointConfig,
    alarms: Sequence[cloudwatch.Alarm],
) -> sagemaker.CfnEndpoint:
    """An endpoint whose update is blue/green and rolled back by the alarms."""
    return sagemaker.CfnEndpoint(
        scope,
        "Endpoint",
        endpoint_name=settings.name,
        endpoint_config_name=config.attr_endpoint_config_name,
        tags=_tags(settings),
        # Otherwise a release would bring a fleet that has scaled out back to its initial size. One that does not scale
        # follows the settings.
        retain_all_variant_properties=settings.scales or None,
        deployment_config=sagemaker.CfnEndpoint.DeploymentConfigProperty(
            blue_green_update_policy=sagemaker.CfnEndpoint.BlueGreenUpdatePolicyProperty(
                traffic_routing_configuration=_traffic(settings),
                # Longer than the alarms take to see that something is wrong.
                termination_wait_in_seconds=600,
                maximum_execution_timeout_in_seconds=3600,
            ),
            auto_rollback_configuration=sagemaker.CfnEndpoint.AutoRollbackConfigProperty(
                alarms=[sagemaker.CfnEndpoint.AlarmProperty(alarm_name=alarm.alarm_name) for alarm in alarms]
            ),
        ),
    )


def _tags(settings: DeploymentSettings) -> list[CfnTag]:
    return [CfnTag(key=DEPLOYMENT, value=settings.name)]


def _capture(
    settings: DeploymentSettings, data_bucket: s3.IBucket
) -> sagemaker.CfnEndpointConfig.DataCaptureConfigProperty | None:
    """Requests and answers, as SageMaker writes them to the bucket, which encrypts them."""
    if not settings.capture_percent:
        return None
    option = sagemaker.CfnEndpointConfig.CaptureOptionProperty
    return sagemaker.CfnEndpointConfig.DataCaptureConfigProperty(
        enable_capture=True,
        initial_sampling_percentage=settings.capture_percent,
        kms_key_id=settings.kms_key,
        destination_s3_uri=data_bucket.s3_url_for_object(CAPTURED),
        capture_options=[option(capture_mode="Input"), option(capture_mode="Output")],
        # Everything else, such as a photo, is written in base64.
        capture_content_type_header=sagemaker.CfnEndpointConfig.CaptureContentTypeHeaderProperty(
            json_content_types=["application/json"], csv_content_types=["text/csv"]
        ),
    )


def _traffic(settings: DeploymentSettings) -> sagemaker.CfnEndpoint.TrafficRoutingConfigProperty:
    """One instance can only be switched whole; from two on a part of the traffic tries the new fleet first."""
    size = sagemaker.CfnEndpoint.CapacitySizeProperty
    if settings.endpoint_instances == 1:
        return sagemaker.CfnEndpoint.TrafficRoutingConfigProperty(type="ALL_AT_ONCE", wait_interval_in_seconds=0)
    if settings.endpoint_traffic == "canary":
        return sagemaker.CfnEndpoint.TrafficRoutingConfigProperty(
            type="CANARY", canary_size=size(type="INSTANCE_COUNT", value=1), wait_interval_in_seconds=300
        )
    # A share, as the fleet may have scaled out, and no smaller than an instance of it.
    percent = 50 if settings.endpoint_instances < 4 else 25
    return sagemaker.CfnEndpoint.TrafficRoutingConfigProperty(
        type="LINEAR", linear_step_size=size(type="CAPACITY_PERCENT", value=percent), wait_interval_in_seconds=300
    )
