"""What `cdk destroy` leaves: what the setting retainData keeps, and the registry's group."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.stacks.template import Template, resources

OF_THEIR_OWN = {
    "AWS::CloudWatch::Alarm",
    "AWS::DynamoDB::Table",
    "AWS::Events::Rule",
    "AWS::Lambda::LayerVersion",
    "AWS::Logs::LogGroup",
    "AWS::SNS::Topic",
}
"""Types of which an account goes on holding, or paying for, what a stack leaves."""


@pytest.mark.parametrize("retain", [True, False])
def test_only_the_data_and_the_registered_models_outlive_the_stacks(
    synthesize: Callable[..., dict[str, Template]], retain: bool
) -> None:
    # given all that can be asked for
    templates = synthesize(
        retainData=retain, schedule="rate(7 days)", notifyEmail="a@example.com", capturePercent=10, managedDebugger=True
    )
    every = [resource for template in templates.values() for resource in template["Resources"].values()]
    assert {resource["Type"] for resource in every} >= OF_THEIR_OWN
    # then nothing is kept, or left behind when it is replaced, but the bucket and the group, which may have packages
    kept = ["AWS::S3::Bucket"] if retain else []
    for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
        found = [resource["Type"] for resource in every if resource.get(policy, "Delete") != "Delete"]
        assert sorted(found) == [*kept, "AWS::SageMaker::ModelPackageGroup"], policy


def test_every_function_and_the_machine_log_to_groups_of_their_stacks(templates: dict[str, Template]) -> None:
    # Given a function without a group of its own, Lambda makes one, which no stack deletes and which is kept for ever.
    workflow = templates["Workflow"]
    groups = resources(workflow, "AWS::Logs::LogGroup")
    assert all(group.get("RetentionInDays") for group in groups.values())
    logged = [f["LoggingConfig"]["LogGroup"]["Ref"] for f in resources(workflow, "AWS::Lambda::Function").values()]
    for machine in resources(workflow, "AWS::StepFunctions::StateMachine").values():
        (destination,) = machine["LoggingConfiguration"]["Destinations"]
        logged.append(destination["CloudWatchLogsLogGroup"]["LogGroupArn"]["Fn::GetAtt"][0])
    assert set(logged) == set(groups)
    assert len(logged) == len(groups)
