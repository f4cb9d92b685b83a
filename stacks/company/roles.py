"""Permissions boundary and path of every role, those that CDK's own constructs make included."""

import jsii
from aws_cdk import Aspects, CfnResource, IAspect, Stack
from aws_cdk import aws_iam as iam
from constructs import IConstruct

from stacks.settings import DeploymentSettings


def restrict_roles(app: IConstruct, settings: DeploymentSettings) -> None:
    """Give every role the boundary and the path of the settings, if there are any."""
    if settings.permissions_boundary or settings.iam_path:
        Aspects.of(app).add(_Roles(settings.permissions_boundary, settings.iam_path))


@jsii.implements(IAspect)
class _Roles:
    def __init__(self, boundary: str | None, path: str | None) -> None:
        self._boundary, self._path = boundary, path

    def visit(self, node: IConstruct) -> None:
        """By the type in the template, as CDK's custom resources have roles that are no `CfnRole`."""
        if not CfnResource.is_cfn_resource(node) or getattr(node, "cfn_resource_type", "") != _ROLE:
            return
        assert isinstance(node, CfnResource)
        if self._boundary:
            node.add_property_override("PermissionsBoundary", _policy_arn(Stack.of(node), self._boundary))
        if self._path:
            node.add_property_override("Path", self._path)


_ROLE = iam.CfnRole.CFN_RESOURCE_TYPE_NAME


def _policy_arn(stack: Stack, policy: str) -> str:
    """A policy's ARN; of a name it is one of this account's."""
    return policy if policy.startswith("arn:") else f"arn:{stack.partition}:iam::{stack.account}:policy/{policy}"
