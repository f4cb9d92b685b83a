"""ARNs of what this stack's account and region have, or may come to have."""

from aws_cdk import Stack
from constructs import Construct


def sagemaker_arn(scope: Construct, kind: str, name: str) -> str:
    """ARN of a SageMaker resource, such as `training-job`, or a pattern of them."""
    return Stack.of(scope).format_arn(service="sagemaker", resource=kind, resource_name=name)


def alarm_arn(scope: Construct, name: str) -> str:
    """ARN of a CloudWatch alarm, or a pattern of them."""
    stack = Stack.of(scope)
    return f"arn:{stack.partition}:cloudwatch:{stack.region}:{stack.account}:alarm:{name}"


def log_group_arns(scope: Construct, name: str) -> list[str]:
    """ARNs of the log groups with a name, or a pattern of names, and of their streams."""
    stack = Stack.of(scope)
    group = f"arn:{stack.partition}:logs:{stack.region}:{stack.account}:log-group:{name}"
    return [group, f"{group}:*"]
