"""The alarms that roll an update of the endpoint back, and tell the topic at any time.

They watch one endpoint configuration: that of the fleet that is put up, and later serves. On all of the endpoint's
requests an alarm that is on because of the old fleet would end the very update that is to mend it (SageMaker's guide,
"Auto-rollback configuration and monitoring"). Each configuration has alarms of its own, as one that is changed keeps
its state.
"""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.endpoint.capacity import slowest_sound_answer
from stacks.endpoint.serving import VARIANT
from stacks.settings import DeploymentSettings

NAMED = "The alarms' names end in that of the endpoint's configuration."
"""Why a role's statement about them has a pattern."""


def alarm_names(endpoint_name: str, configuration: str) -> list[str]:
    """Names of the alarms of an endpoint configuration, or patterns of them."""
    return [f"{endpoint_name}-endpoint-{what}-{configuration}" for what in ("5xx", "latency")]


def rollback_alarms(
    scope: Construct, settings: DeploymentSettings, topic: sns.ITopic, config: sagemaker.CfnEndpointConfig
) -> list[cloudwatch.Alarm]:
    """Alarms on server errors and latency of the fleet with this configuration."""
    configuration = config.attr_endpoint_config_name
    errors_name, latency_name = alarm_names(settings.name, configuration)
    dimensions = {"EndpointName": settings.name, "VariantName": VARIANT, "EndpointConfigName": configuration}
    longest = Duration.millis(slowest_sound_answer(settings))
    server_errors = cloudwatch.Alarm(
        scope,
        "ServerErrors",
        alarm_name=errors_name,
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
        scope,
        "Latency",
        alarm_name=latency_name,
        alarm_description=(
            f"One request in a hundred takes over {longest.to_seconds(integral=False)} seconds: "
            f"longer than the largest behind a full queue should on {settings.endpoint_instance_type}."
        ),
        metric=cloudwatch.Metric(
            namespace="AWS/SageMaker",
            metric_name="ModelLatency",
            dimensions_map=dimensions,
            statistic="p99",
            period=Duration.minutes(1),
        ),
        threshold=longest.to_milliseconds() * 1000,  # the metric is in microseconds
        evaluation_periods=3,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
    alarms = [server_errors, latency]
    for alarm in alarms:
        alarm.add_alarm_action(actions.SnsAction(topic))
    return alarms
