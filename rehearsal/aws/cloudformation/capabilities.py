"""What a caller has to say before a template may make identities."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from moto.cloudformation.exceptions import CloudFormationError

_NAME_OF_IAM_TYPE = {
    "AWS::IAM::AccessKey": None,
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Policy": None,
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
    "AWS::IAM::UserToGroupAddition": None,
}
"""The property by which a resource gets a name that is the account's; None where it has no such name."""


class InsufficientCapabilities(CloudFormationError):
    """The error by which clients know that they have to acknowledge what a template makes."""

    code = "InsufficientCapabilitiesException"


def check(template: Mapping[str, Any], given: Collection[str]) -> None:
    """Refuse a template that makes identities which the caller has not acknowledged.

    Raises
    ------
    InsufficientCapabilities
        With the capability that suffices.
    """
    declared = [entry for entry in template["Resources"].values() if entry.get("Type") in _NAME_OF_IAM_TYPE]
    named = any(_NAME_OF_IAM_TYPE[entry["Type"]] in entry.get("Properties", {}) for entry in declared)
    suffice = ["CAPABILITY_NAMED_IAM"] if named else ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]
    if declared and not set(suffice) & set(given):
        raise InsufficientCapabilities(f"Requires capabilities : [{suffice[0]}]")
