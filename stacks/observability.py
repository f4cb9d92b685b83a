"""The topic that people subscribe to, the alarm for executions that fail, the budget, and the dashboard."""

from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from stacks.budget import budget
from stacks.company.encryption import encrypt_topic
from stacks.dashboard import Dashboard
from stacks.settings import DeploymentSettings


class ObservabilityStack(Stack):
    """One topic, for how executions end and for alarms, and the alarms that watch the state machine."""

    def __init__(self, scope: Construct, id: str, *, settings: DeploymentSettings, **kwargs: Any) -> None:
        super().__init__(scope, id, **kwargs)
        self.topic = sns.Topic(self, "Notifications", display_name="Stocktake", enforce_ssl=True)
        encrypt_topic(self.topic, settings)
        if settings.notify_email:
            self.topic.add_subscription(subscriptions.EmailSubscription(settings.notify_email))
        # A topic policy that names anybody replaces the default one, which let the account's alarms publish.
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["sns:Publish"],
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                resources=[self.topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": self.account}},
            )
        )

        if settings.monthly_budget_usd:
            budget(self, settings.name, settings.monthly_budget_usd, self.topic)

        # By its name, known in advance, so that this stack does not depend on the one that depends on the topic.
        machine = f"arn:{self.partition}:states:{self.region}:{self.account}:stateMachine:{settings.name}"
        failures = cloudwatch.Alarm(
            self,
            "FailedExecutions",
            alarm_description="An execution of the state machine failed or timed out.",
            metric=cloudwatch.MathExpression(
                expression="FILL(failed, 0) + FILL(timedOut, 0)",
                label="executions that did not succeed",
                using_metrics={
                    name: cloudwatch.Metric(
                        namespace="AWS/States",
                        metric_name=metric,
                        dimensions_map={"StateMachineArn": machine},
                        statistic="Sum",
                        period=Duration.minutes(5),
                    )
                    for name, metric in {
                        "failed": "ExecutionsFailed",
                        "timedOut": "ExecutionsTimedOut",
                    }.items()
                },
                period=Duration.minutes(5),
            ),
            threshold=1,
            # FILL takes the place of a figure that comes late, so the periods before count, too.
            evaluation_periods=3,
            datapoints_to_alarm=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        failures.add_alarm_action(actions.SnsAction(self.topic))
        Dashboard(self, "Dashboard", settings=settings, machine_arn=machine, alarm=failures)
