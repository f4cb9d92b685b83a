"""IAM. The rehearsal keeps roles and policies and enforces none: moto allows every call."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from rehearsal.aws.cloudformation.resource_type import Context, Properties, PutType, chosen
from rehearsal.aws.cloudformation.templates import Deployed


class Role(PutType):
    """``AWS::IAM::Role``"""

    name = "AWS::IAM::Role"
    replaced_by = frozenset({"RoleName", "Path"})

    def put(self, context: Context, physical_id: str | None, properties: Properties) -> Deployed:
        """Create the role where needed and write its policies."""
        iam = context.client("iam")
        role = physical_id or properties.get("RoleName") or context.unique_name(64)
        trust = json.dumps(properties["AssumeRolePolicyDocument"])
        if physical_id is None:
            options = chosen(properties, "Path", "Description", "Tags")
            iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust, **options)
        else:
            iam.update_assume_role_policy(RoleName=role, PolicyDocument=trust)
        for policy in properties.get("Policies", []):
            document = json.dumps(policy["PolicyDocument"])
            iam.put_role_policy(RoleName=role, PolicyName=policy["PolicyName"], PolicyDocument=document)
        for arn in properties.get("ManagedPolicyArns", []):
            # moto carries AWS's managed policies only on request; a role that names one must not fail for that.
            with contextlib.suppress(iam.exceptions.NoSuchEntityException):
                iam.attach_role_policy(RoleName=role, PolicyArn=arn)
        described = iam.get_role(RoleName=role)["Role"]
        return Deployed(role, {"Arn": described["Arn"], "RoleId": described["RoleId"]})

    def delete(self, context: Context, physical_id: str) -> None:
        """Remove the role and its policies."""
        iam = context.client("iam")
        with contextlib.suppress(iam.exceptions.NoSuchEntityException):
            _clear(iam, physical_id)
            iam.delete_role(RoleName=physical_id)


class Policy(PutType):
    """``AWS::IAM::Policy``: an inline policy of roles, users and groups; here of roles."""

    name = "AWS::IAM::Policy"
    replaced_by = frozenset({"PolicyName", "Roles"})

    def put(self, context: Context, physical_id: str | None, properties: Properties) -> Deployed:  # noqa: ARG002
        """Put the policy on each role. The id remembers name and roles, which the API has no identity for."""
        iam = context.client("iam")
        for role in properties.get("Roles", []):
            document = json.dumps(properties["PolicyDocument"])
            iam.put_role_policy(RoleName=role, PolicyName=properties["PolicyName"], PolicyDocument=document)
        return Deployed("|".join([properties["PolicyName"], *properties.get("Roles", [])]), {})

    def delete(self, context: Context, physical_id: str) -> None:
        """Take the policy from each role."""
        iam = context.client("iam")
        policy, *roles = physical_id.split("|")
        for role in roles:
            with contextlib.suppress(iam.exceptions.NoSuchEntityException):
                iam.delete_role_policy(RoleName=role, PolicyName=policy)


class ManagedPolicy(PutType):
    """``AWS::IAM::ManagedPolicy``"""

    name = "AWS::IAM::ManagedPolicy"
    replaced_by = frozenset({"ManagedPolicyName", "Path", "Description"})

    def put(self, context: Context, physical_id: str | None, properties: Properties) -> Deployed:
        """Create the policy, or a version of it, and attach it to its roles."""
        iam = context.client("iam")
        document = json.dumps(properties["PolicyDocument"])
        arn = physical_id
        if arn is None:
            name = properties.get("ManagedPolicyName") or context.unique_name(128)
            options = chosen(properties, "Path", "Description")
            arn = str(iam.create_policy(PolicyName=name, PolicyDocument=document, **options)["Policy"]["Arn"])
        else:
            iam.create_policy_version(PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)
        for role in properties.get("Roles", []):
            iam.attach_role_policy(RoleName=role, PolicyArn=arn)
        return Deployed(arn, {"PolicyArn": arn})

    def delete(self, context: Context, physical_id: str) -> None:
        """Remove the policy from its roles and for good."""
        iam = context.client("iam")
        with contextlib.suppress(iam.exceptions.NoSuchEntityException):
            for role in iam.list_entities_for_policy(PolicyArn=physical_id)["PolicyRoles"]:
                iam.detach_role_policy(RoleName=role["RoleName"], PolicyArn=physical_id)
            iam.delete_policy(PolicyArn=physical_id)


def _clear(iam: Any, role: str) -> None:
    """Take every policy from a role."""
    for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        iam.delete_role_policy(RoleName=role, PolicyName=name)
