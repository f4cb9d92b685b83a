"""cdk-nag's AwsSolutions rules, run at every synth, and how a statement on a pattern of resources is argued for.

The reason is given where the statement is made. A synth fails on every other wildcard: on a resource that nobody argued
for in that policy, and on another action or condition on one that somebody did.
"""

import json
from collections.abc import Iterator
from typing import Any

import aws_cdk as cdk
import jsii
from aws_cdk import aws_iam as iam
from cdk_nag import AwsSolutionsChecks
from constructs import Construct, IValidation

JOB_NAMES = "Job names carry the execution's id."
LOG_STREAMS = "SageMaker names the log streams after its jobs and instances."
OBJECT_KEYS = "Object keys carry dataset, job and execution ids; each role gets only the prefixes it works on."

_ACCEPTED = "AcceptedWildcards"

# Action, resource as cdk-nag writes it, condition.
_Permission = tuple[str, str, str]


def check(app: cdk.App) -> None:
    """Fail the synth on findings that nobody has accepted."""
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))


class Wildcard(iam.PolicyStatement):
    """A statement on a pattern of resources, with the reason why it has to be a pattern."""

    def __init__(self, reason: str, **statement: Any) -> None:
        super().__init__(**statement)
        self.reason = reason


def accept(scope: Construct, reason: str, *statements: iam.PolicyStatement) -> None:
    """Accept the wildcards of these statements in the policies of `scope`: a role, or what has one."""
    accepted = scope.node.try_find_child(_ACCEPTED) or _Accepted(scope, _ACCEPTED)
    assert isinstance(accepted, _Accepted)
    accepted.reasons += [(statement, reason) for statement in statements]


def acknowledge(scope: Construct, finding: str, reason: str) -> None:
    """Accept one finding of cdk-nag, such as `AwsSolutions-S1`, at and below `scope`."""
    cdk.Validations.of(scope).acknowledge(cdk.Acknowledgment(id=f"AwsSolutions::{finding}", reason=reason))


@jsii.implements(IValidation)
class _Accepted(Construct):
    """What has been argued for in the policies of the construct that this is a child of."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        self.reasons: list[tuple[iam.PolicyStatement, str]] = []
        self._scope = scope
        self.node.add_validation(self)

    def validate(self) -> list[str]:
        """Acknowledge what the policies hold; fault what they do not.

        CDK calls this when references to other stacks have become the imports that cdk-nag will see.
        """
        stack = cdk.Stack.of(self)
        accepted = {
            permission: reason
            for statement, reason in self.reasons
            for permission in _wildcards(stack.resolve(statement.to_statement_json()))
        }
        asked = {permission for statement in _statements(stack, self._scope) for permission in _wildcards(statement)}
        open_resources = {resource for _, resource, _ in asked - accepted.keys()}
        for resource in sorted({resource for _, resource, _ in accepted} - open_resources):
            reasons = {reason for permission, reason in accepted.items() if permission[1] == resource}
            acknowledge(self._scope, f"AwsSolutions-IAM5[Resource::{resource}]", " ".join(sorted(reasons)))
        unused = sorted(accepted.keys() - asked)
        return [f"{action} on {resource} is accepted, and no policy here asks for it" for action, resource, _ in unused]


def _statements(stack: cdk.Stack, scope: Construct) -> Iterator[dict[str, Any]]:
    """Every statement of the roles and policies at and below a construct, as in the template."""
    for node in scope.node.find_all():
        if isinstance(node, iam.CfnRole):
            for policy in stack.resolve(node.policies) or []:
                yield from policy["policyDocument"]["Statement"]
        elif isinstance(node, iam.CfnPolicy):
            yield from stack.resolve(node.policy_document)["Statement"]


def _wildcards(statement: dict[str, Any]) -> set[_Permission]:
    condition = json.dumps(statement.get("Condition"), sort_keys=True)
    resources = [_flat(resource) for resource in _as_list(statement.get("Resource", []))]
    return {
        (action, resource, condition)
        for action in _as_list(statement["Action"])
        for resource in resources
        if statement["Effect"] == "Allow" and "*" in resource
    }


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _flat(value: Any) -> str:
    """A resource as cdk-nag writes it in a finding."""
    match value:
        case str():
            return value.replace("${", "<").replace("}", ">")
        case {"Fn::Join": [delimiter, parts]}:
            return str(delimiter).join(map(_flat, parts))
        case {"Fn::GetAtt": [resource, attribute]}:
            return f"<{resource}.{attribute}>"
        case {"Fn::ImportValue": name} | {"Fn::Sub": name}:
            return _flat(name)
        case {"Ref": name}:
            return f"<{name}>"
        case _:
            return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
