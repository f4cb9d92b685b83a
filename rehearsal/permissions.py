"""What a rehearsal's roles asked for and were allowed, and what would be denied without each statement."""

from __future__ import annotations

import json
import re
import textwrap
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from rehearsal.aws.iam.ledger import LEDGER_PATH
from rehearsal.aws.iam.policies import Policies, Request, Statement, decide
from rehearsal.aws.iam.policies import statements as parse
from rehearsal.failures import BadArgument

_BOOTSTRAP = "/cdk-"
"""In the ARNs of the roles that `cdk bootstrap` makes, which are CDK's own."""


def fetch(aws_url: str) -> list[dict[str, Any]]:
    """The decisions of a running emulated AWS about the application's own roles."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{aws_url}{LEDGER_PATH}") as answer:
            return [role for role in json.load(answer) if _BOOTSTRAP not in role["role"]]
    except (OSError, ValueError) as error:
        raise BadArgument(
            f"{aws_url} is no rehearsal that serves ({error}); give the URL that it has printed."
        ) from error


@dataclass(frozen=True)
class Mutation:
    """One statement taken away from a role.

    Attributes
    ----------
    denied
        The first request of the rehearsal that is then denied, with the reason; None when other statements allow all
        that this one did.
    """

    role: str
    policy: str
    statement: str
    content: dict[str, Any]
    uses: int
    unused_actions: tuple[str, ...]
    denied: tuple[Request, str] | None

    @property
    def name(self) -> str:
        """Role and statement as the template has them; a statement of CDK's, which has no Sid, by its actions."""
        # CloudFormation puts the stack before a role's name, and endings behind it.
        logical_id = f"-{self.role.rpartition('/')[2]}".rsplit("-", 2)[-2]
        role = re.sub(r"[0-9A-F]{1,8}$", "", logical_id)
        return f"{role} {self.actions if self.statement.isdecimal() else self.statement}"

    @property
    def actions(self) -> str:
        """The actions that it is about."""
        actions = self.content["Action"]
        return actions if isinstance(actions, str) else ", ".join(actions)


def mutations(permissions: list[dict[str, Any]]) -> Iterator[Mutation]:
    """Take away every statement of every role in turn, and decide anew what the rehearsal asked for."""
    for role in permissions:
        identity = [_statement(described) for described in role["statements"]]
        asked = list(_allowed_requests(role))
        for described, statement in zip(role["statements"], identity, strict=True):
            rest = [other for other in identity if other is not statement]
            yield Mutation(
                role["role"],
                described["policy"],
                described["statement"],
                described["content"],
                described["uses"],
                tuple(described["unusedActions"]),
                _first_denied(asked, rest) if described["uses"] else None,
            )


def tell(permissions: list[dict[str, Any]], console: Console) -> None:
    """Print the table of mutations, and a count."""
    table = Table("role", "statement", "requests", "denied without it", box=None, pad_edge=False)
    found = list(mutations(permissions))
    for mutation in found:
        if mutation.denied:
            request, _ = mutation.denied
            told = f"{request.action} on {request.resource}"
        else:
            told = "nothing: other statements allow it" if mutation.uses else "not used by this run"
        role, _, statement = mutation.name.partition(" ")
        table.add_row(role, textwrap.shorten(statement, 60, placeholder=" ..."), str(mutation.uses), told)
    console.print(table)
    used = [mutation for mutation in found if mutation.uses]
    caught = sum(mutation.denied is not None for mutation in used)
    unused = len(found) - len(used)
    for mutation in used:
        if mutation.unused_actions:
            console.print(f"{mutation.name}: {', '.join(mutation.unused_actions)} not used")
    console.print(f"{caught} of {len(used)} used statements are missed when taken away; {unused} were not used")


def read(result: Path) -> list[dict[str, Any]]:
    """The permissions in a rehearsal's result."""
    try:
        permissions: list[dict[str, Any]] = json.loads(result.read_text())["permissions"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadArgument(f"{result} holds no permissions ({error!r}); give what --result has written.") from error
    return permissions


def _statement(described: dict[str, Any]) -> Statement:
    [statement] = parse(described["policy"], {"Statement": [described["content"]]})
    return statement


def _allowed_requests(role: dict[str, Any]) -> Iterator[Request]:
    for call in role["calls"]:
        if call["allowed"]:
            for example in call["examples"]:
                yield Request(role["role"], call["action"], example["resource"], example["context"])


def _first_denied(asked: list[Request], identity: list[Statement]) -> tuple[Request, str] | None:
    for request in asked:
        decision = decide(request, Policies(identity=identity))
        if not decision.allowed:
            return request, decision.reason
    return None
