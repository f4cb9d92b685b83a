"""Functions, jobs and the model in an account's own subnets."""

from typing import Any

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sagemaker as sagemaker

from stacks.checks import Wildcard
from stacks.settings import DeploymentSettings

_REASON = "AWS makes up the ids of the network interfaces, and looking at networks knows no resource."


def job_network(settings: DeploymentSettings) -> dict[str, Any]:
    """`VpcConfig` of a training job's arguments, or of a processing job's `NetworkConfig`."""
    if not settings.vpc:
        return {}
    return {"VpcConfig": {"SecurityGroupIds": settings.vpc.security_group_ids, "Subnets": settings.vpc.subnet_ids}}


def model_network(settings: DeploymentSettings) -> sagemaker.CfnModel.VpcConfigProperty | None:
    """The same for the model behind the endpoint."""
    if not settings.vpc:
        return None
    return sagemaker.CfnModel.VpcConfigProperty(
        security_group_ids=settings.vpc.security_group_ids, subnets=settings.vpc.subnet_ids
    )


def put_into_network(function: lambda_.Function, settings: DeploymentSettings) -> None:
    """By the template's own field: CDK's would look the VPC up, and attach an AWS managed policy to the role."""
    resource = function.node.default_child
    assert isinstance(resource, lambda_.CfnFunction)
    if settings.vpc:
        resource.vpc_config = lambda_.CfnFunction.VpcConfigProperty(
            security_group_ids=settings.vpc.security_group_ids, subnet_ids=settings.vpc.subnet_ids
        )


def function_interfaces(settings: DeploymentSettings) -> list[iam.PolicyStatement]:
    """What Lambda does in the role of a function in a VPC."""
    return _interfaces(
        settings,
        *("CreateNetworkInterface", "DeleteNetworkInterface", "DescribeNetworkInterfaces", "DescribeSubnets"),
        *("AssignPrivateIpAddresses", "UnassignPrivateIpAddresses"),
    )


def job_interfaces(settings: DeploymentSettings) -> list[iam.PolicyStatement]:
    """What SageMaker does in the role of a job or a model in a VPC."""
    return _interfaces(
        settings,
        *("CreateNetworkInterface", "CreateNetworkInterfacePermission", "DeleteNetworkInterface"),
        *("DeleteNetworkInterfacePermission", "DescribeDhcpOptions", "DescribeNetworkInterfaces"),
        *("DescribeSecurityGroups", "DescribeSubnets", "DescribeVpcs"),
    )


def _interfaces(settings: DeploymentSettings, *actions: str) -> list[iam.PolicyStatement]:
    if not settings.vpc:
        return []
    return [Wildcard(_REASON, sid="JoinVpc", actions=[f"ec2:{action}" for action in actions], resources=["*"])]
