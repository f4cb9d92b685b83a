"""What a state machine tells of its executions: a log, and traces."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.checks import accept
from stacks.logs import log_group
from stacks.settings import DeploymentSettings


def execution_logs(scope: Construct, id: str, settings: DeploymentSettings, machine_name: str) -> sfn.LogOptions:
    """Every state's begin and end in a log group of the machine's own."""
    return sfn.LogOptions(
        destination=log_group(
            scope,
            id,
            settings,
            # Step Functions can only add so many groups to its resource policy unless the name starts so.
            name=f"/aws/vendedlogs/states/{machine_name}",
        ),
        level=sfn.LogLevel.ALL,
        # What states were given and gave back is in the execution's own history.
        include_execution_data=False,
    )


def accept_tracing_and_logging(machine: Construct) -> None:
    """Accept what CDK lets a machine with logs and traces do; to be called on the construct that holds it."""
    actions = [
        "logs:CreateLogDelivery",
        "logs:GetLogDelivery",
        "logs:UpdateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:DescribeResourcePolicies",
        "logs:DescribeLogGroups",
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
    ]
    accept(
        machine,
        "Neither X-Ray nor the delivery of logs knows resources.",
        iam.PolicyStatement(actions=actions, resources=["*"]),
    )
