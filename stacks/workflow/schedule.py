"""Executions that start by themselves."""

from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct


def schedule(scope: Construct, machine: sfn.StateMachine, expression: str) -> None:
    """Start executions with the default input whenever an EventBridge expression says so."""
    events.Rule(
        scope,
        "Schedule",
        schedule=events.Schedule.expression(expression),
        targets=[targets.SfnStateMachine(machine, input=events.RuleTargetInput.from_object({}))],
    )
