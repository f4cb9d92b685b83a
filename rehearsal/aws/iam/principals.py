"""Who makes a call: the user of the rehearsal, or a service in a role that it was given."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from rehearsal.aws.iam.policies import Decision, Policies, Request, Statement, decide, statements
from rehearsal.aws.location import ACCOUNT_ID, REGION

USER_KEY = "rehearsal"
"""The access key of the person who rehearses: an administrator, as whoever runs `cdk bootstrap` has to be."""

_ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


@dataclass(frozen=True)
class Principal:
    """The one who calls. ``role`` is the name of the role that is assumed, None for the user."""

    arn: str
    role: str | None = None

    @property
    def identity_arn(self) -> str:
        """What policies know the principal by (aws:PrincipalArn): the role and not its session."""
        return role_arn(self.role) if self.role else self.arn

    def policies(self) -> Policies:
        """The identity's own statements and its boundary."""
        if self.role is None:
            return Policies(identity=_managed_policy(_ADMINISTRATOR))
        role = find_role(self.role)
        if role is None:
            return Policies()
        inline = [s for name, document in role.policies.items() for s in _parsed(name, _text(document))]
        managed = [s for arn in role.managed_policies for s in _managed_policy(arn)]
        boundary = role.permissions_boundary_arn
        return Policies((*inline, *managed), (), _managed_policy(boundary) if boundary else None)


@dataclass(frozen=True)
class Credentials:
    """An access key by which the emulated AWS knows its principal."""

    access_key_id: str
    secret_access_key: str
    session_token: str

    def environment(self) -> dict[str, str]:
        """The variables by which SDKs find them."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_SESSION_TOKEN": self.session_token,
        }


USER = Principal(f"arn:aws:iam::{ACCOUNT_ID}:user/{USER_KEY}")

_lock = threading.Lock()
_by_key: dict[str, Principal] = {USER_KEY: USER}
_issued: dict[Principal, Credentials] = {}


def role_arn(name: str) -> str:
    """The ARN of a role of this account."""
    role = find_role(name)
    return str(role.arn) if role else f"arn:aws:iam::{ACCOUNT_ID}:role/{name}"


def find_role(name: str) -> Any:
    """moto's record of a role, by its name or ARN."""
    wanted = name.rpartition("/")[2]
    roles = iam_backends[ACCOUNT_ID]["aws"].roles.values()
    return next((role for role in list(roles) if role.name == wanted), None)


def session(role: str, name: str) -> Principal:
    """A session of a role."""
    short = role.rpartition("/")[2]
    return Principal(f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{short}/{name}", short)


def credentials(principal: Principal) -> Credentials:
    """The access key of a principal, the same at every call."""
    with _lock:
        if principal not in _issued:
            made = Credentials(f"ASIA{secrets.token_hex(8).upper()}", secrets.token_hex(20), secrets.token_hex(20))
            _issued[principal] = made
            _by_key[made.access_key_id] = principal
        return _issued[principal]


def of_access_key(key: str) -> Principal | None:
    """The principal that an access key belongs to; None for an unknown one."""
    if key in _by_key:
        return _by_key[key]
    assumed = sts_backends[ACCOUNT_ID]["aws"].get_assumed_role_from_access_key(key)
    return session(assumed.role_arn, assumed.session_name) if assumed else None


def source(service: str, arns: Sequence[str]) -> dict[str, list[str]]:
    """What a service says of whom it takes a role for, as condition keys.

    CloudFormation is not documented to say anything when it takes a stack's role.
    """
    if service == "cloudformation.amazonaws.com":
        return {}
    return {"aws:sourceaccount": [ACCOUNT_ID]} | ({"aws:sourcearn": list(arns)} if arns else {})


def may_be_assumed(role: str, service: str, context: Mapping[str, Sequence[str]]) -> Decision:
    """What a role's trust policy says of a service, such as ``lambda.amazonaws.com``."""
    found = find_role(role)
    request = Request(service, "sts:AssumeRole", role_arn(role.rpartition("/")[2]), context)
    by = {"Service": [service, service.replace(".", f".{REGION}.", 1)]}
    if found is None:
        return Decision(False, (), "because there is no such role")
    return decide(request, Policies(resource=[statement for statement in trust(found) if statement.names(by)]))


def trust(role: Any) -> list[Statement]:
    """The statements of a role's trust policy; ``role`` is moto's record."""
    return list(_parsed(f"trust of {role.name}", _text(role.assume_role_policy_document)))


def _managed_policy(arn: str) -> tuple[Statement, ...]:
    policy = iam_backends[ACCOUNT_ID]["aws"].managed_policies.get(arn)
    if policy is None:
        return ()
    version = next(v for v in policy.versions if v.version_id == policy.default_version_id)
    return _parsed(policy.name, version.document)


def _text(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)


@cache
def _parsed(source: str, document: str) -> tuple[Statement, ...]:
    return tuple(statements(source, json.loads(document)))
