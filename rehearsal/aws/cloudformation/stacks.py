"""Stacks, their events and their change sets, as CloudFormation's API describes them."""

from __future__ import annotations

import datetime
import threading
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rehearsal.aws import location
from rehearsal.aws.cloudformation.resource_type import Context
from rehearsal.aws.cloudformation.templates import Deployed
from rehearsal.aws.iam import on_behalf
from rehearsal.aws.iam.principals import USER, Principal


def now() -> datetime.datetime:
    """The present in UTC."""
    return datetime.datetime.now(tz=datetime.UTC)


@dataclass(frozen=True)
class Resource:
    """A deployed resource with the declaration and the resolved properties it was made from."""

    kind: str
    declaration: Mapping[str, Any]
    properties: Mapping[str, Any]
    deployed: Deployed
    status: str
    updated: datetime.datetime = field(default_factory=now)


@dataclass(frozen=True)
class Source:
    """What a stack is deployed from."""

    body: str
    parameters: Mapping[str, str]
    """By name, unresolved, with the template's defaults for those not given."""
    tags: tuple[tuple[str, str], ...] = ()
    role_arn: str | None = None
    capabilities: tuple[str, ...] = ()
    """What the caller has acknowledged."""


@dataclass
class Stack:
    """A stack and all that has happened to it."""

    name: str
    region: str
    identity: str = field(default_factory=lambda: str(uuid.uuid4()))
    created: datetime.datetime = field(default_factory=now)
    updated: datetime.datetime | None = None
    deleted: datetime.datetime | None = None
    status: str = "REVIEW_IN_PROGRESS"
    reason: str = ""
    source: Source | None = None
    role_arn: str | None = None
    """The role it was last created, updated or deleted with."""
    update_token: str | None = None
    """The token of the latest UpdateStack."""
    resolved_parameters: dict[str, Any] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: list[dict[str, str]] = field(default_factory=list)
    imported: set[str] = field(default_factory=set)
    events: list[dict[str, Any]] = field(default_factory=list)
    termination_protection: bool = False
    caller: Principal = USER
    """Who asked for the latest operation, which is done as the caller unless the stack has a role."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def arn(self) -> str:
        """The stack's id."""
        return f"arn:aws:cloudformation:{self.region}:{location.ACCOUNT_ID}:stack/{self.name}/{self.identity}"

    def context(self, logical_id: str) -> Context:
        """Where one of its resources is made, and by whom.

        Raises
        ------
        AccessDenied
            CloudFormation may not assume the stack's role.
        """
        role = self.role_arn
        service = "cloudformation.amazonaws.com"
        principal = on_behalf.assume(role, service, "AWSCloudFormation", self.arn) if role else self.caller
        return Context(self.name, logical_id, self.region, principal)

    @property
    def is_busy(self) -> bool:
        """Whether an operation is under way."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    @property
    def exports(self) -> dict[str, str]:
        """Exported values by export name."""
        return {output["ExportName"]: output["OutputValue"] for output in self.outputs if "ExportName" in output}

    def set_status(self, status: str, reason: str = "") -> None:
        """Enter a status, and record it as an event."""
        self.status, self.reason = status, reason
        self.record(self.name, self.arn, "AWS::CloudFormation::Stack", status, reason)

    def record(self, logical_id: str, physical_id: str, kind: str, status: str, reason: str = "") -> None:
        """Add an event."""
        event = {
            "EventId": str(uuid.uuid4()),
            "StackId": self.arn,
            "StackName": self.name,
            "LogicalResourceId": logical_id,
            "PhysicalResourceId": physical_id,
            "ResourceType": kind,
            "ResourceStatus": status,
            "Timestamp": now(),
        }
        self.events.append(event | ({"ResourceStatusReason": reason} if reason else {}))


@dataclass
class ChangeSet:
    """A prepared deployment of a stack."""

    name: str
    stack: Stack
    source: Source
    changes: list[dict[str, Any]] | None
    """None when the source is what is deployed already."""
    description: str | None = None
    executed: bool = False
    created: datetime.datetime = field(default_factory=now)
    identity: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def arn(self) -> str:
        """The change set's id."""
        region, account = self.stack.region, location.ACCOUNT_ID
        return f"arn:aws:cloudformation:{region}:{account}:changeSet/{self.name}/{self.identity}"


class Stacks:
    """All stacks and change sets of one region, deleted stacks included."""

    def __init__(self) -> None:
        self._stacks: list[Stack] = []
        self._change_sets: list[ChangeSet] = []

    def __iter__(self) -> Iterator[Stack]:
        return iter(list(self._stacks))

    def add(self, stack: Stack) -> None:
        """Remember a stack."""
        self._stacks.append(stack)

    def forget(self, stack: Stack) -> None:
        """Forget a stack that never came to be."""
        self._stacks.remove(stack)

    def find(self, name_or_arn: str) -> Stack | None:
        """The living stack of a name, or any stack by its ARN."""
        for stack in self._stacks:
            if stack.arn == name_or_arn or (stack.name == name_or_arn and stack.deleted is None):
                return stack
        return None

    @property
    def exports(self) -> dict[str, str]:
        """Exported values of all living stacks."""
        return {name: value for stack in self if stack.deleted is None for name, value in stack.exports.items()}

    def importers(self, export: str) -> list[str]:
        """Names of the stacks that use an export."""
        return [stack.name for stack in self if stack.deleted is None and export in stack.imported]

    def add_change_set(self, change_set: ChangeSet) -> None:
        """Remember a change set."""
        self._change_sets.append(change_set)

    def remove_change_set(self, change_set: ChangeSet) -> None:
        """Forget a change set."""
        self._change_sets.remove(change_set)

    def find_change_set(self, name_or_arn: str, stack_name: str | None) -> ChangeSet | None:
        """A change set by its ARN, or the latest by its name and its living stack's."""
        for change_set in reversed(self._change_sets):
            if change_set.arn == name_or_arn:
                return change_set
            stack = change_set.stack
            named = stack_name == stack.arn or (stack_name == stack.name and stack.deleted is None)
            if change_set.name == name_or_arn and named:
                return change_set
        return None

    def change_sets_of(self, stack: Stack) -> list[ChangeSet]:
        """The change sets of a stack."""
        return [change_set for change_set in self._change_sets if change_set.stack is stack]
