"""Log groups of functions and executions."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.settings import DeploymentSettings


def log_group(scope: Construct, id: str, settings: DeploymentSettings, name: str | None = None) -> logs.LogGroup:
    """A group that goes with its stack, for as long as the settings keep logs."""
    group = logs.LogGroup(scope, id, log_group_name=name, removal_policy=RemovalPolicy.DESTROY)
    resource = group.node.default_child
    assert isinstance(resource, logs.CfnLogGroup)
    # As numbers and ids, which CDK's own arguments are not.
    resource.retention_in_days = settings.log_retention_days
    resource.kms_key_id = settings.kms_key
    return group
