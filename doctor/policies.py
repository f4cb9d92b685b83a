"""What a resource's policy allows, as far as its text tells: conditions and denials are not evaluated."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

ADD_STATEMENT = "# add the statement (docs/company-account.md), then"
"""After the command that fetches a policy: the one that puts it back replaces all of it."""


def allows(policy: Mapping[str, Any], principals: set[str], action: str) -> bool:
    """Whether a statement allows one of the principals (services, accounts, ARNs) the action, perhaps on conditions."""
    return any(
        statement["Effect"] == "Allow"
        and _principals(statement.get("Principal", {})) & {*principals, "*"}
        and any(fnmatchcase(action.lower(), pattern.lower()) for pattern in _listed(statement.get("Action", [])))
        for statement in _listed(policy["Statement"])
    )


def _principals(given: Any) -> set[str]:
    if isinstance(given, str):
        return {given}
    return {name for names in given.values() for name in _listed(names)}


def _listed(value: Any) -> list[Any]:
    """A policy's lists of one item may be the item."""
    return value if isinstance(value, list) else [value]
