"""The inference endpoint, owned by CloudFormation and switched by one parameter.

`ModelPackageArn` names the approved model package that is served; the state machine's Deploy phase changes it, and
`cdk deploy` keeps the value it finds. While it is empty the model, the endpoint's configuration and the endpoint do not
exist. An update is blue/green and rolls back by itself when the alarms fire.
"""

from typing import Any

from aws_cdk import CfnCondition, CfnOutput, CfnParameter, CfnResource, DefaultStackSynthesizer, Duration, Fn, Stack
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks import images
from stacks.job_role import job_role
from stacks.settings import DeploymentSettings

PARAMETER = "ModelPackageArn"

# Autoscaling and the alarms know the variant by its name: it must never change.
VARIANT = "live"


class EndpointStack(Stack):
    """Model, endpoint configuration, endpoint, scaling and rollback alarms behind one parameter."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: DeploymentSettings,
        data_bucket: s3.IBucket,
        topic: sns.ITopic,
        **kwargs: Any,
    ) -> None:
        # The rule would add a parameter that reads SSM, and the role that updates this stack would need to read it too.
        super().__init__(
            scope, id, synthesizer=DefaultStackSynthesizer(generate_bootstrap_version_rule=False), **kwargs
        )
        self.endpoint_name = settings.name
        package = CfnParameter(
            self,
            PARAMETER,
            type="String",
            default="",
            allowed_pattern=r"^$|^arn:[^:]+:sagemaker:[^:]+:\d+:model-package/.+$",
            description="Approved model package to serve; empty: no endpoint.",
        )
        has_model = CfnCondition(
            self, "HasModel", expression=Fn.condition_not(Fn.condition_equals(package.value_as_string, ""))
        )

        self.role = job_role(
            self,
            "EndpointRole",
            log_groups="Endpoints/*",
            statements=[
                iam.PolicyStatement(
                    sid="ReadModel",
                    actions=["s3:GetObject"],
                    resources=[data_bucket.arn_for_objects("models/*")],
                ),
                iam.PolicyStatement(sid="FindModel", actions=["s3:ListBucket"], resources=[data_bucket.bucket_arn]),
                iam.PolicyStatement(
                    sid="WatchRollbackAlarms",
                    actions=["cloudwatch:DescribeAlarms"],
                    resources=[
                        f"arn:{self.partition}:cloudwatch:{self.region}:{self.account}:alarm:{name}"
                        for name in (self._alarm_name("5xx"), self._alarm_name("latency"))
                    ],
                ),
            ],
        )
        model = sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=self.role.role_arn,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                model_package_name=package.value_as_string,
                environment={"STOCKTAKE_MODEL_PACKAGE": package.value_as_string},
            ),
        )
        gpu = images.is_gpu(settings.endpoint_instance_type)
        config = sagemaker.CfnEndpointConfig(
            self,
            "EndpointConfig",
            production_variants=[
                sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                    variant_name=VARIANT,
                    model_name=model.attr_model_name,
                    instance_type=settings.endpoint_instance_type,
                    initial_instance_count=settings.endpoint_instances,
                    initial_variant_weight=1,
                    inference_ami_version=images.SERVING_GPU_AMI if gpu else None,
                    container_startup_health_check_timeout_in_seconds=600,
                )
            ],
        )
        alarms = self._rollback_alarms()
        for alarm in alarms:
            alarm.add_alarm_action(actions.SnsAction(topic))
        endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=self.endpoint_name,
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
        conditional: list[CfnResource] = [model, config, endpoint]
        if settings.endpoint_max_instances > settings.endpoint_instances:
            conditional += self._scaling(settings, endpoint)
        for resource in conditional:
            resource.cfn_options.condition = has_model
        self.update_role = self._update_role()
        CfnOutput(self, "EndpointName", value=self.endpoint_name)

    def _alarm_name(self, what: str) -> str:
        return f"{self.endpoint_name}-endpoint-{what}"

    def _rollback_alarms(self) -> list[cloudwatch.Alarm]:
        dimensions = {"EndpointName": self.endpoint_name, "VariantName": VARIANT}
        server_errors = cloudwatch.Alarm(
            self,
            "ServerErrors",
            alarm_name=self._alarm_name("5xx"),
            alarm_description="The endpoint answers with server errors; an update under way is rolled back.",
            metric=cloudwatch.Metric(
                namespace="AWS/SageMaker",
                metric_name="Invocation5XXErrors",
                dimensions_map=dimensions,
                statistic="Sum",
                period=Duration.minutes(1),
            ),
            threshold=5,
            evaluation_periods=2,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        latency = cloudwatch.Alarm(
            self,
            "Latency",
            alarm_name=self._alarm_name("latency"),
            alarm_description="The model takes over two seconds for one photo in a hundred.",
            metric=cloudwatch.Metric(
                namespace="AWS/SageMaker",
                metric_name="ModelLatency",
                dimensions_map=dimensions,
                statistic="p99",
                period=Duration.minutes(1),
            ),
            threshold=Duration.seconds(2).to_milliseconds() * 1000,  # the metric is in microseconds
            evaluation_periods=3,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        return [server_errors, latency]

    def _scaling(self, settings: DeploymentSettings, endpoint: sagemaker.CfnEndpoint) -> list[CfnResource]:
        target = autoscaling.CfnScalableTarget(
            self,
            "ScalableTarget",
            service_namespace="sagemaker",
            scalable_dimension="sagemaker:variant:DesiredInstanceCount",
            resource_id=f"endpoint/{self.endpoint_name}/variant/{VARIANT}",
            min_capacity=settings.endpoint_instances,
            max_capacity=settings.endpoint_max_instances,
        )
        target.add_resource_dependency(endpoint)
        policy = autoscaling.CfnScalingPolicy(
            self,
            "ScalingPolicy",
            policy_name=f"{self.endpoint_name}-invocations",
            policy_type="TargetTrackingScaling",
            scaling_target_id=target.ref,
            target_tracking_scaling_policy_configuration=autoscaling.CfnScalingPolicy.TargetTrackingScalingPolicyConfigurationProperty(
                target_value=300,  # photos a minute and instance, about half of what an ml.m5.large answers
                predefined_metric_specification=autoscaling.CfnScalingPolicy.PredefinedMetricSpecificationProperty(
                    predefined_metric_type="SageMakerVariantInvocationsPerInstance"
                ),
            ),
        )
        return [target, policy]

    def _update_role(self) -> iam.Role:
        """What CloudFormation may do when the state machine changes the parameter: this stack's endpoint, no more."""

        def arn(kind: str, name: str) -> str:
            return f"arn:{self.partition}:sagemaker:{self.region}:{self.account}:{kind}/{name}"

        # CloudFormation names the model and the configuration after their logical ids and a random suffix.
        return iam.Role(
            self,
            "UpdateRole",
            assumed_by=iam.ServicePrincipal("cloudformation.amazonaws.com"),
            inline_policies={
                "update": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(
                            sid="Endpoint",
                            actions=[
                                f"sagemaker:{verb}{noun}"
                                for noun in ("Model", "EndpointConfig", "Endpoint")
                                for verb in ("Create", "Describe", "Delete")
                            ]
                            + ["sagemaker:UpdateEndpoint", "sagemaker:AddTags", "sagemaker:ListTags"],
                            resources=[
                                *(arn("model", name) for name in ("Model-*", "model-*")),
                                *(arn("endpoint-config", name) for name in ("EndpointConfig-*", "endpointconfig-*")),
                                arn("endpoint", self.endpoint_name),
                            ],
                        ),
                        iam.PolicyStatement(
                            sid="ServeThePackage",
                            actions=["sagemaker:DescribeModelPackage", "sagemaker:CreateModel"],
                            resources=[arn("model-package", f"{self.endpoint_name}-*/*")],
                        ),
                        # CloudFormation reads the ARN of a role that it does not change.
                        iam.PolicyStatement(
                            sid="ReadEndpointRole", actions=["iam:GetRole"], resources=[self.role.role_arn]
                        ),
                        iam.PolicyStatement(
                            sid="PassEndpointRole",
                            actions=["iam:PassRole"],
                            resources=[self.role.role_arn],
                            conditions={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
                        ),
                        # Neither Application Auto Scaling's calls nor DescribeAlarms can be limited to a resource.
                        iam.PolicyStatement(
                            sid="Scaling",
                            actions=[
                                "application-autoscaling:RegisterScalableTarget",
                                "application-autoscaling:DeregisterScalableTarget",
                                "application-autoscaling:DescribeScalableTargets",
                                "application-autoscaling:PutScalingPolicy",
                                "application-autoscaling:DeleteScalingPolicy",
                                "application-autoscaling:DescribeScalingPolicies",
                                "cloudwatch:DescribeAlarms",
                                # RegisterScalableTarget tries these with the caller's permissions, on made-up names.
                                "sagemaker:DescribeEndpoint",
                                "sagemaker:DescribeEndpointConfig",
                                "sagemaker:UpdateEndpointWeightsAndCapacities",
                            ],
                            resources=["*"],
                        ),
                        iam.PolicyStatement(
                            sid="ScalingAlarms",
                            actions=["cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"],
                            resources=[
                                f"arn:{self.partition}:cloudwatch:{self.region}:{self.account}:alarm:TargetTracking-*"
                            ],
                        ),
                        iam.PolicyStatement(
                            sid="ScalingServiceRole",
                            actions=["iam:CreateServiceLinkedRole"],
                            resources=[
                                f"arn:{self.partition}:iam::{self.account}:role/aws-service-role/"
                                "sagemaker.application-autoscaling.amazonaws.com/*"
                            ],
                        ),
                    ]
                )
            },
        )


def _traffic(instances: int) -> sagemaker.CfnEndpoint.TrafficRoutingConfigProperty:
    """One instance can only be switched whole; from two on a part of the traffic tries the new fleet first."""
    if instances == 1:
        return sagemaker.CfnEndpoint.TrafficRoutingConfigProperty(type="ALL_AT_ONCE", wait_interval_in_seconds=0)
    return sagemaker.CfnEndpoint.TrafficRoutingConfigProperty(
        type="CANARY",
        canary_size=sagemaker.CfnEndpoint.CapacitySizeProperty(type="INSTANCE_COUNT", value=1),
        wait_interval_in_seconds=300,
    )
