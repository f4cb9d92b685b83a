"""What CloudFormation's own handlers call beyond a type's create, change and delete, in the name of the stack's role.

Each type's schema lists the permissions of its handlers; the schemas are those that cfn-lint carries.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

from rehearsal.aws.iam import reference
from rehearsal.aws.iam.enforcement import require
from rehearsal.aws.iam.principals import Principal
from rehearsal.aws.iam.requests import Need
from rehearsal.aws.location import ACCOUNT_ID

_ONLY_FOR = {
    "application-autoscaling:DeleteScheduledAction": "ScheduledActions",
    "application-autoscaling:PutScheduledAction": "ScheduledActions",
    "application-autoscaling:TagResource": "Tags",
    "application-autoscaling:UntagResource": "Tags",
    "cloudwatch:GetMetricData": "PredictiveScalingPolicyConfiguration",
    "iam:PassRole": "RoleARN",
    "kms:DescribeKey": "KmsKeyId",
    "sagemaker:AddTags": "Tags",
    "sagemaker:DeleteTags": "Tags",
}
"""Permissions that a handler uses only if the resource has this property."""

_SCALING = "AWS::ApplicationAutoScaling::"
_NOT_HERE = ("cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms", "lambda:")
"""A scalable target's permissions for what its policies do, or for targets that are functions."""

_SERVICE_LINKED_ROLE = (
    f"arn:aws:iam::{ACCOUNT_ID}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/"
    "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
)


def require_permissions(principal: Principal, kind: str, verb: str, arn: str, properties: Mapping[str, Any]) -> None:
    """Raise AccessDenied unless the principal may do all that the handler of a type does.

    Parameters
    ----------
    verb
        ``create``, ``update`` or ``delete``; the first two read the resource in the end.
    arn
        The resource's.
    """
    for action in _permissions(kind, verb):
        of_policies = kind.startswith(_SCALING) and action.startswith(_NOT_HERE)
        if of_policies or (action in _ONLY_FOR and _ONLY_FOR[action] not in properties):
            continue
        require(principal, Need(action, _resource(action, arn, properties)))


def _permissions(kind: str, verb: str) -> Iterator[str]:
    handlers = _schemas().get(kind, {})
    yield from dict.fromkeys(handlers.get(verb, []) + (handlers.get("read", []) if verb != "delete" else []))


def _resource(action: str, arn: str, properties: Mapping[str, Any]) -> str:
    """The resource itself, or what the property names that the permission is for, such as a key."""
    if action == "iam:CreateServiceLinkedRole":
        return _SERVICE_LINKED_ROLE
    patterns = reference.resource_types(action).values()
    for named in (arn, properties.get(_ONLY_FOR.get(action, ""))):
        if isinstance(named, str) and any(pattern.match(named) for pattern in patterns):
            return named
    return "*"


@cache
def _schemas() -> dict[str, dict[str, list[str]]]:
    """Permissions of each handler of the types that this package deploys in the name of a narrow role."""
    found = {}
    for file in resources.files("cfnlint.data.schemas.resources").iterdir():
        if file.name.endswith(".json"):
            text = file.read_text(encoding="utf-8")
            # Of 1,900 schemas only a few are wanted: parsing all would take seconds.
            if any(f'"typeName": "{kind}' in text for kind in ("AWS::SageMaker::", _SCALING, "AWS::CloudWatch::Alarm")):
                schema = json.loads(text)
                handlers = schema.get("handlers", {})
                found[schema["typeName"]] = {verb: its["permissions"] for verb, its in handlers.items()}
    return found
