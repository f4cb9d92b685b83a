"""What the rehearsal's CloudFormation knows of a type of resource."""

from __future__ import annotations

import secrets
import string
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from rehearsal.aws import clients, location
from rehearsal.aws.cloudformation.templates import Deployed
from rehearsal.aws.iam.principals import Principal

Properties = Mapping[str, Any]


class ResourceFailed(Exception):
    """A resource that did not become what was asked for; the message is the reason CloudFormation would give."""


@dataclass(frozen=True)
class Context:
    """Where a resource is made."""

    stack_name: str
    logical_id: str
    region: str
    principal: Principal
    """Who the stack's operations are done as."""

    def client(self, service: str) -> Any:
        """A client of the emulated AWS."""
        return clients.client(service, self.region, self.principal)

    def arn(self, service: str, resource: str) -> str:
        """An ARN in this region and the emulated account."""
        return f"arn:aws:{service}:{self.region}:{location.ACCOUNT_ID}:{resource}"

    def unique_name(self, limit: int) -> str:
        """``<stack>-<logical id>-<random>`` in at most ``limit`` characters, as CloudFormation names things."""
        suffix = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(12))
        stem = f"{self.stack_name}-{self.logical_id}"[: limit - len(suffix) - 1].rstrip("-")
        return f"{stem}-{suffix}"


class ResourceType(ABC):
    """Creates, changes and deletes resources of one type, through the emulated AWS's own APIs."""

    name: ClassVar[str]
    replaced_by: ClassVar[frozenset[str]] = frozenset()
    """Properties whose change makes a new resource."""

    @abstractmethod
    def create(self, context: Context, properties: Properties) -> Deployed:
        """Make the resource."""

    def update(self, context: Context, physical_id: str, properties: Properties) -> Deployed:  # noqa: ARG002
        """Change the resource in place."""
        raise ResourceFailed(f"The rehearsal cannot change a {self.name} in place; destroy its stack and deploy again.")

    @abstractmethod
    def delete(self, context: Context, physical_id: str) -> None:
        """Remove the resource; one that is gone already is no error."""


class PutType(ResourceType):
    """A type whose API has one operation for creating and changing."""

    @abstractmethod
    def put(self, context: Context, physical_id: str | None, properties: Properties) -> Deployed:
        """Make the resource (``physical_id`` None) or change it."""

    def create(self, context: Context, properties: Properties) -> Deployed:
        """Make the resource."""
        return self.put(context, None, properties)

    def update(self, context: Context, physical_id: str, properties: Properties) -> Deployed:
        """Change the resource in place."""
        return self.put(context, physical_id, properties)


def chosen(properties: Properties, *names: str) -> dict[str, Any]:
    """The named properties that are given."""
    return {name: properties[name] for name in names if name in properties}


def camel_case(value: Any) -> Any:
    """Member names with a small first letter, throughout: the spelling of Step Functions' API."""
    if isinstance(value, Mapping):
        return {name[0].lower() + name[1:]: camel_case(member) for name, member in value.items()}
    if isinstance(value, list):
        return [camel_case(member) for member in value]
    return value
