"""Every call is looked at before it is answered: who makes it, what it needs, and whether policies allow that."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from moto.iam.models import iam_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends

from rehearsal.aws import mounts
from rehearsal.aws.iam import principals, requests, s3
from rehearsal.aws.iam.ledger import LEDGER_PATH, Ledger
from rehearsal.aws.iam.policies import Decision, Policies, Request, Statement, decide, statements
from rehearsal.aws.iam.principals import Principal
from rehearsal.aws.iam.requests import Call, Need
from rehearsal.aws.location import ACCOUNT_ID, REGION

_WITHOUT_ROLE = {
    "sagemaker.amazonaws.com": "Could not assume role {role}. Please ensure that the role exists and allows principal "
    "'sagemaker.amazonaws.com' to assume the role.",
    "lambda.amazonaws.com": "The role defined for the function cannot be assumed by Lambda.",
    "states.amazonaws.com": "Neither the global service principal states.amazonaws.com, nor the regional one is "
    "authorized to assume the provided role.",
}

_OTHER_ACCOUNT = "000000000000"
"""The owner of mounted buckets."""

ledger = Ledger()


class AccessDenied(Exception):
    """A call that policies do not allow; the message is AWS's."""

    code = "AccessDenied"


class InvalidRole(AccessDenied):
    """A service may not assume the role that it was given."""

    code = "ValidationException"


class MissingToken(AccessDenied):
    """The call is not signed."""

    code = "MissingAuthenticationTokenException"


class UnknownKey(AccessDenied):
    """Nobody has this access key."""

    code = "UnrecognizedClientException"


class Enforced:
    """A WSGI application behind the policies."""

    def __init__(self, application: Callable[..., Any]) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "/")
        if path == LEDGER_PATH:
            body = json.dumps(ledger.to_json(_roles())).encode()
            start_response("200 OK", [("Content-Type", "application/json")])
            return [body]
        if not path.startswith("/moto-api"):
            authorize(environ["rehearsal.call"])
        answer: Iterable[bytes] = self._application(environ, start_response)
        return answer


def authorize(call: Call) -> None:
    """Raise AccessDenied for a call that its caller may not make."""
    if call.signature is None:
        if call.path.startswith("/endpoints/"):
            raise MissingToken("Missing Authentication Token")
        for need in requests.needs(call, "s3", ""):  # Nothing else answers strangers.
            require(None, need)
        return
    key, region, service = call.signature
    principal = principals.of_access_key(key)
    if principal is None:
        raise UnknownKey("The security token included in the request is invalid.")
    for need in requests.needs(call, service, region):
        require(principal, need)
        if need.passed_role:
            _require_trust(need)
    _require_knowledge_of_absence(principal, call, service)


def require(principal: Principal | None, need: Need) -> None:
    """Raise AccessDenied unless a principal (None: anybody) has a permission; the ledger remembers either."""
    identity = principal.identity_arn if principal else "*"
    owner = _OTHER_ACCOUNT if mounts.is_mounted(_bucket_of(need.resource)) else ACCOUNT_ID
    context = _global_context(principal) | {"aws:resourceaccount": [owner]}
    context |= {key.lower(): values for key, values in need.context.items()}
    request = Request(identity, need.action, need.resource, context)
    decision = _decide(principal, request)
    if principal:
        ledger.record(identity, request, decision)
    if not decision.allowed:
        denied = (
            f"User: {principal.arn if principal else 'anonymous'} is not authorized to perform: {need.action} on "
            f"resource: {need.resource} {decision.reason}"
        )
        print(f"Denied: {denied}", flush=True)  # In the emulator's log, as CloudTrail would have it.
        raise AccessDenied(denied)


def _decide(principal: Principal | None, request: Request) -> Decision:
    by: dict[str, list[str]] = {"AWS": ["*"]}
    if principal:
        account = f"arn:aws:iam::{ACCOUNT_ID}:root"
        by["AWS"] += [principal.arn, principal.identity_arn, account, ACCOUNT_ID]
    every, foreign = _resource_policy(request)
    named = [statement for statement in every if statement.names(by)]
    if principal is None:
        return decide(request, Policies(resource=named))
    own = principal.policies()
    return decide(request, Policies(own.identity, named, own.boundary), foreign=foreign)


def _resource_policy(request: Request) -> tuple[list[Statement], bool]:
    """The statements of a resource's own policy, and whether that has to allow a request, too.

    It has to where the resource belongs to another account, or is a role that is to be assumed.
    """
    resource = request.resource
    if request.action == "sts:AssumeRole" and (role := principals.find_role(resource)):
        return principals.trust(role), True
    if resource.startswith("arn:aws:s3:::"):
        name = _bucket_of(resource)
        if mounts.is_mounted(name):
            return _public(name), True
        bucket = s3_backends[ACCOUNT_ID]["aws"].buckets.get(name)
        if bucket is not None and bucket.policy:
            return statements(f"policy of {name}", json.loads(bucket.policy)), False
    elif resource.startswith("arn:aws:sns:"):
        topic = sns_backends[ACCOUNT_ID][resource.split(":")[3]].topics.get(resource)
        if topic is not None and topic.policy:
            return statements(f"policy of {topic.name}", json.loads(topic.policy)), False
    return [], False


def _bucket_of(resource: str) -> str:
    return resource.removeprefix("arn:aws:s3:::").partition("/")[0]


def _public(bucket: str) -> list[Statement]:
    arn = f"arn:aws:s3:::{bucket}"
    actions = ["s3:GetObject", "s3:ListBucket"]
    allow = {"Effect": "Allow", "Principal": "*", "Action": actions, "Resource": [arn, f"{arn}/*"]}
    return statements(f"policy of {bucket}", {"Statement": [allow]})


def _require_trust(need: Need) -> None:
    """The service that a role is passed to has to be one that the role trusts."""
    assert need.passed_role is not None
    [service] = need.context["iam:passedtoservice"]
    told = principals.source(service, need.context["iam:associatedresourcearn"])
    if not principals.may_be_assumed(need.passed_role, service, told).allowed:
        words = _WITHOUT_ROLE.get(service, "Role {role} is invalid or cannot be assumed.")
        raise InvalidRole(words.format(role=need.passed_role))


def _require_knowledge_of_absence(principal: Principal, call: Call, service: str) -> None:
    """Who may not list a bucket is told "access denied" of an object that is not there."""
    if service != "s3" or call.method not in ("GET", "HEAD"):
        return
    name, key = s3.split(call.path, call.host)
    bucket = s3_backends[ACCOUNT_ID]["aws"].buckets.get(name)
    if key and bucket is not None and key not in bucket.keys:
        require(principal, Need("s3:ListBucket", f"arn:aws:s3:::{name}"))


def _global_context(principal: Principal | None) -> dict[str, list[str]]:
    # Loopback stands for AWS's addresses, which clients reach by TLS.
    context = {"aws:securetransport": ["true"], "aws:requestedregion": [REGION]}
    if principal:
        context |= {"aws:principalarn": [principal.identity_arn], "aws:principalaccount": [ACCOUNT_ID]}
    return context


def _roles() -> dict[str, list[Statement]]:
    roles = list(iam_backends[ACCOUNT_ID]["aws"].roles.values())
    return {role.arn: list(principals.session(role.name, "-").policies().identity) for role in roles}
