"""Drift: a function that compares the photos that were kept with the evaluation's, and an alarm."""

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn

from stacks.checks import Wildcard
from stacks.dashboard import DRIFT, drift_detected
from stacks.endpoint.serving import VARIANT
from stacks.roles import on_objects
from stacks.settings import DeploymentSettings
from stacks.states.notification import of_deployment
from stacks.states.target import NUMBERED, Target
from stacks.storage import CAPTURED
from stacks.workflow.functions import Functions


def watch_drift(
    stack: Stack,
    settings: DeploymentSettings,
    schedule: str,
    *,
    functions: Functions,
    data_bucket: s3.IBucket,
    machine: sfn.StateMachine,
    target: Target,
    topic: sns.ITopic,
) -> None:
    """Look at what was captured whenever an EventBridge expression says so."""
    starts = {"STATE_MACHINE": machine.state_machine_arn} if settings.drift_starts else {}
    function = functions.make(
        "WatchDrift",
        "watch_drift",
        # A whole processor, as photos are decoded; the largest request has 8 MB.
        memory_mb=1769,
        minutes=15,
        statements=[
            # What is missing is told as such only to whoever may list the bucket.
            iam.PolicyStatement(sid="FindObjects", actions=["s3:ListBucket"], resources=[data_bucket.bucket_arn]),
            on_objects(data_bucket, ["GetObject"], CAPTURED, "reports", sid="ReadCaptures"),
            on_objects(data_bucket, ["GetObject", "PutObject"], "drift", sid="WriteDrift"),
            Wildcard(
                NUMBERED,
                sid="FindEvaluation",
                actions=["sagemaker:DescribeModelPackage"],
                resources=[target.package_arns],
            ),
            Wildcard(
                "cloudwatch:PutMetricData knows no resource; the condition limits the namespace.",
                sid="WriteMetrics",
                actions=["cloudwatch:PutMetricData"],
                resources=["*"],
                conditions={"StringEquals": {"cloudwatch:namespace": DRIFT}},
            ),
            *(
                iam.PolicyStatement(
                    sid="StartExecution",
                    actions=["states:ListExecutions", "states:StartExecution"],
                    resources=[arn],
                )
                for arn in starts.values()
            ),
        ],
        environment={
            "CAPTURES": f"{CAPTURED}/{settings.name}/{VARIANT}/",
            "DATA_BUCKET": data_bucket.bucket_name,
            "ENDPOINT": settings.name,
            **starts,
        },
    )
    events.Rule(
        stack,
        "DriftSchedule",
        schedule=events.Schedule.expression(schedule),
        targets=[targets.LambdaFunction(function)],
    )
    alarm = cloudwatch.Alarm(
        stack,
        "Drift",
        alarm_name=f"{settings.name}-drift",
        alarm_description=(
            f"The photos that the endpoint {settings.name} is sent are no longer such as its model was evaluated with, "
            "so its accuracy may be another. What has changed, with a page: "
            f"make drift{of_deployment(settings.name)}"
        ),
        metric=drift_detected(settings.name),
        threshold=1,
        evaluation_periods=1,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        # Between two looks it stays as it is.
        treat_missing_data=cloudwatch.TreatMissingData.IGNORE,
    )
    alarm.add_alarm_action(actions.SnsAction(topic))
    CfnOutput(stack, "DriftFunction", value=function.function_name)
    CfnOutput(stack, "DriftResult", value=data_bucket.s3_url_for_object("drift/latest.json"))
