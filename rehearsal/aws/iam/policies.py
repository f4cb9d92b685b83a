"""What IAM policies say of a request.

Evaluation logic: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import datetime
import fnmatch
import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any


@dataclass(frozen=True)
class Request:
    """One call that somebody makes.

    Attributes
    ----------
    action
        Such as ``s3:GetObject``.
    resource
        An ARN, or ``*`` for an action that knows no resources.
    context
        Condition keys in lower case, each with its values; what is not there is absent from the request.
    """

    principal: str
    action: str
    resource: str
    context: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Statement:
    """A statement of a policy. ``source`` names the policy, ``name`` its Sid or its place."""

    source: str
    name: str
    effect: str
    content: Mapping[str, Any]

    def applies(self, request: Request) -> bool:
        """Whether action, resource and conditions match; a principal is for :meth:`names`."""
        return (
            _element(self.content, "Action", request.action, ignore_case=True)
            and (
                _element(self.content, "Resource", request.resource, variables=request.context)
                # A trust policy is about the role that it belongs to.
                or not {"Resource", "NotResource"} & self.content.keys()
            )
            and all(
                _holds(operator, key, _list(values), request.context)
                for operator, keys in self.content.get("Condition", {}).items()
                for key, values in keys.items()
            )
        )

    def actions(self) -> list[str]:
        """The actions, or patterns of them, that the statement names."""
        return _list(self.content.get("Action", []))

    def names(self, principals: Mapping[str, Iterable[str]]) -> bool:
        """Whether the statement of a resource's policy is about one of these principals, by kind (AWS, Service)."""
        if "NotPrincipal" in self.content:
            raise ValueError(f"{self.source}: NotPrincipal is not supported in a rehearsal.")
        named = self.content.get("Principal", {})
        if named == "*":
            return True
        pairs = ((kind, value) for kind, values in named.items() for value in _list(values))
        return any(value == "*" or value in principals.get(kind, ()) for kind, value in pairs)


def statements(source: str, document: Mapping[str, Any]) -> list[Statement]:
    """The statements of a policy document."""
    return [
        Statement(source, content.get("Sid") or str(place), content["Effect"], content)
        for place, content in enumerate(_list(document["Statement"]), 1)
    ]


@dataclass(frozen=True)
class Policies:
    """All that has a say in a request, by kind."""

    identity: Sequence[Statement] = ()
    resource: Sequence[Statement] = ()
    boundary: Sequence[Statement] | None = None


@dataclass(frozen=True)
class Decision:
    """Whether a request is allowed, by or against which statements, and AWS's words for why not."""

    allowed: bool
    statements: tuple[Statement, ...]
    reason: str = ""


def decide(request: Request, policies: Policies, *, foreign: bool = False) -> Decision:
    """Evaluate a request.

    Parameters
    ----------
    policies
        Those of the resource only where they name the request's principal.
    foreign
        Whether the resource is another account's: then its policy and the identity's have to allow the request both.
    """
    kinds = {
        "identity-based": policies.identity,
        "resource-based": policies.resource,
        "permissions boundary": policies.boundary or (),
    }
    matching = {kind: [s for s in every if s.applies(request)] for kind, every in kinds.items()}
    for kind, found in matching.items():
        if denying := [statement for statement in found if statement.effect == "Deny"]:
            article = "a" if kind.startswith(("r", "p")) else "an"
            policy = kind if kind == "permissions boundary" else f"{kind} policy"
            return Decision(False, tuple(denying), f"with an explicit deny in {article} {policy}")
    identity, resource = matching["identity-based"], matching["resource-based"]
    if policies.boundary is not None and not matching["permissions boundary"]:
        return Decision(False, (), f"because no permissions boundary allows the {request.action} action")
    if foreign and not resource:
        return Decision(False, (), f"because no resource-based policy allows the {request.action} action")
    if not identity and (foreign or not resource):
        return Decision(False, (), f"because no identity-based policy allows the {request.action} action")
    return Decision(True, (*identity, *resource, *matching["permissions boundary"]))


def _element(
    content: Mapping[str, Any],
    name: str,
    value: str,
    *,
    ignore_case: bool = False,
    variables: Mapping[str, Sequence[str]] | None = None,
) -> bool:
    """Whether a value is one of an element's (`Action`) or none of its opposite's (`NotAction`)."""
    for element, wanted in ((name, True), (f"Not{name}", False)):
        if element in content:
            patterns = [_filled_in(pattern, variables or {}) for pattern in _list(content[element])]
            return any(matches(pattern, value, ignore_case=ignore_case) for pattern in patterns) is wanted
    return False


def matches(pattern: str, value: str, *, ignore_case: bool = False) -> bool:
    """Whether a pattern with ``*`` and ``?`` describes a value."""
    return _compiled(pattern, ignore_case).fullmatch(value) is not None


def _arn_matches(pattern: str, arn: str) -> bool:
    """Each of an ARN's six parts is compared by itself."""
    parts, values = pattern.split(":", 5), arn.split(":", 5)
    return len(parts) == len(values) and all(map(matches, parts, values))


@cache
def _compiled(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    # Square brackets mean nothing to IAM.
    translated = fnmatch.translate(pattern.replace("[", "[[]"))
    return re.compile(translated, re.IGNORECASE if ignore_case else 0)


def _filled_in(pattern: str, context: Mapping[str, Sequence[str]]) -> str:
    """A pattern with its policy variables; one without a value matches nothing, as an empty name does not occur."""
    return re.sub(r"\$\{([^}*?$]+)\}", lambda found: next(iter(context.get(found[1].lower(), [])), "\0"), pattern)


def _holds(operator: str, key: str, wanted: list[str], context: Mapping[str, Sequence[str]]) -> bool:
    """Whether one condition is met by the request's context."""
    given = context.get(key.lower())
    quantifier, _, plain = operator.rpartition(":")
    if plain == "Null":
        return (given is None) == (_text(wanted[0]) == "true")
    if plain.endswith("IfExists"):
        plain = plain.removesuffix("IfExists")
        if given is None:
            return True
    negative = "Not" in plain
    compare = _comparison(plain.replace("Not", ""))
    patterns = [_filled_in(_text(value), context) for value in wanted]

    def met(value: str) -> bool:
        return any(compare(pattern, value) for pattern in patterns) is not negative

    if given is None:
        return negative or quantifier == "ForAllValues"
    return all(map(met, given)) if quantifier == "ForAllValues" else any(map(met, given))


def _comparison(operator: str) -> Callable[[str, str], bool]:
    """How an operator compares a policy's value with a request's."""
    number = {
        "NumericEquals": float.__eq__,
        "NumericLessThan": float.__gt__,
        "NumericLessThanEquals": float.__ge__,
        "NumericGreaterThan": float.__lt__,
        "NumericGreaterThanEquals": float.__le__,
    }
    moment = {name.replace("Numeric", "Date"): name for name in number}
    if operator in number:
        return lambda pattern, value: bool(number[operator](float(pattern), float(value)))
    if operator in moment:
        by_time = _comparison(moment[operator])
        return lambda pattern, value: by_time(_seconds(pattern), _seconds(value))
    text: dict[str, Callable[[str, str], bool]] = {
        "StringEquals": str.__eq__,
        "StringEqualsIgnoreCase": lambda pattern, value: pattern.lower() == value.lower(),
        "StringLike": matches,
        "ArnEquals": _arn_matches,
        "ArnLike": _arn_matches,
        "Bool": lambda pattern, value: pattern.lower() == value.lower(),
        "IpAddress": lambda pattern, value: ipaddress.ip_address(value) in ipaddress.ip_network(pattern),
    }
    if operator not in text:
        raise ValueError(f"The condition operator {operator} is not supported in a rehearsal.")
    return text[operator]


def _seconds(text: str) -> str:
    return str(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
