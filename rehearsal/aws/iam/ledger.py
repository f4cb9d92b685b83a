"""What was asked of the policies and what they said: the list from which least privilege is read."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rehearsal.aws.iam.policies import Decision, Request, Statement, matches

LEDGER_PATH = "/moto-api/permissions"
"""Where the emulated AWS tells what is noted here."""

_EXAMPLES = 3
"""Requests that are kept of each role, action and deciding statements."""


@dataclass
class Entry:
    """Requests of one action by one principal that the same statements decided."""

    decision: Decision
    examples: list[Request] = field(default_factory=list)
    count: int = 0


class Ledger:
    """Every decision of one emulated AWS."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[tuple[Any, ...], Entry] = {}

    def record(self, identity: str, request: Request, decision: Decision) -> None:
        """Take note of a decision about a principal, by its role's or user's ARN."""
        deciding = tuple((s.source, s.name) for s in decision.statements)
        with self._lock:
            entry = self._entries.setdefault((identity, request.action, decision.allowed, deciding), Entry(decision))
            entry.count += 1
            if len(entry.examples) < _EXAMPLES and request not in entry.examples:
                entry.examples.append(request)

    def entries(self) -> Iterator[tuple[str, str, Entry]]:
        """Identity, action and entry, in order."""
        with self._lock:
            found = sorted(self._entries.items(), key=lambda item: item[0])
        yield from ((identity, action, entry) for (identity, action, *_), entry in found)

    def to_json(self, roles: Mapping[str, list[Statement]]) -> list[dict[str, Any]]:
        """For each role its statements with how often each decided, and its calls with what decided them.

        Parameters
        ----------
        roles
            The statements of every role by its ARN.
        """
        return [
            {
                "role": role,
                "statements": [_described(s, self._uses(role, s)) for s in statements],
                "calls": [_call(action, entry) for identity, action, entry in self.entries() if identity == role],
            }
            for role, statements in sorted(roles.items())
        ]

    def _uses(self, role: str, statement: Statement) -> dict[str, int]:
        """Requests that a statement decided, by action."""
        uses: Counter[str] = Counter()
        for identity, action, entry in self.entries():
            if identity == role and any(_identity(s) == _identity(statement) for s in entry.decision.statements):
                uses[action] += entry.count
        return dict(uses)


def _identity(statement: Statement) -> dict[str, str]:
    return {"policy": statement.source, "statement": statement.name}


def _described(statement: Statement, uses: Mapping[str, int]) -> dict[str, Any]:
    unused = [a for a in statement.actions() if not any(matches(a, used, ignore_case=True) for used in uses)]
    counts = {"uses": sum(uses.values()), "unusedActions": unused}
    return _identity(statement) | {"content": statement.content} | counts


def _call(action: str, entry: Entry) -> dict[str, Any]:
    return {
        "action": action,
        "count": entry.count,
        "allowed": entry.decision.allowed,
        "reason": entry.decision.reason,
        "by": [_identity(statement) for statement in entry.decision.statements],
        "examples": [
            {"resource": request.resource, "context": {key: list(values) for key, values in request.context.items()}}
            for request in entry.examples
        ],
    }
