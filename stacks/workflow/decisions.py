"""A person's decision on a package, made in the registry, reaches the execution that waits for it."""

from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from constructs import Construct


def hear_of_decisions(scope: Construct, package_group: str, function: lambda_.IFunction) -> None:
    """Invoke the function when a package of the group becomes approved or rejected."""
    events.Rule(
        scope,
        "Decisions",
        event_pattern=events.EventPattern(
            source=["aws.sagemaker"],
            detail_type=["SageMaker Model Package State Change"],
            detail={
                "ModelPackageGroupName": [package_group],
                "ModelApprovalStatus": ["Approved", "Rejected"],
            },
        ),
        targets=[targets.LambdaFunction(function)],
    )
