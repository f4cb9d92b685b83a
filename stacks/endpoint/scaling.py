"""How the endpoint's fleet follows the number of requests."""

from aws_cdk import CfnResource
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from stacks.endpoint.capacity import photos_a_minute
from stacks.endpoint.serving import VARIANT
from stacks.settings import DeploymentSettings


def scaling(scope: Construct, settings: DeploymentSettings, endpoint: sagemaker.CfnEndpoint) -> list[CfnResource]:
    """Target and policy, if the settings leave room for more instances."""
    if not settings.scales:
        return []
    target = autoscaling.CfnScalableTarget(
        scope,
        "ScalableTarget",
        service_namespace="sagemaker",
        scalable_dimension="sagemaker:variant:DesiredInstanceCount",
        resource_id=f"endpoint/{settings.name}/variant/{VARIANT}",
        min_capacity=settings.endpoint_instances,
        max_capacity=settings.endpoint_max_instances,
    )
    target.add_resource_dependency(endpoint)
    policy = autoscaling.CfnScalingPolicy(
        scope,
        "ScalingPolicy",
        policy_name=f"{settings.name}-invocations",
        policy_type="TargetTrackingScaling",
        scaling_target_id=target.ref,
        target_tracking_scaling_policy_configuration=autoscaling.CfnScalingPolicy.TargetTrackingScalingPolicyConfigurationProperty(
            # Requests a minute and instance: half of its photos leaves room until another instance has started.
            target_value=photos_a_minute(settings) // 2,
            predefined_metric_specification=autoscaling.CfnScalingPolicy.PredefinedMetricSpecificationProperty(
                predefined_metric_type="SageMakerVariantInvocationsPerInstance"
            ),
        ),
    )
    return [target, policy]
