"""A stack of the emulated CloudFormation, as a test makes and watches it."""

from __future__ import annotations

import json
import uuid
from typing import Any

from tests.rehearsal.emulator import ROLE, Emulator


def parameter(name: str, value: Any, **declaration: Any) -> dict[str, Any]:
    """An SSM parameter, the simplest resource with something to change."""
    properties = {"Name": name, "Type": "String", "Value": value}
    return {"Type": "AWS::SSM::Parameter", "Properties": properties, **declaration}


class Stack:
    """A stack of the emulated AWS under a name of its own."""

    def __init__(self, aws: Emulator) -> None:
        self.name = f"stack-{uuid.uuid4().hex[:8]}"
        self._client = aws.client("cloudformation")

    def create(self, template: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Create the stack and wait for the end."""
        self._client.create_stack(StackName=self.name, TemplateBody=json.dumps(template), **options)
        return self.settled()

    def update(self, template: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Update the stack and wait for the end."""
        self._client.update_stack(StackName=self.name, TemplateBody=json.dumps(template), **options)
        return self.settled()

    def release(self, package: str) -> dict[str, Any]:
        """Set the parameter as the Deploy state does; the stack's description right after."""
        self._client.update_stack(
            StackName=self.name,
            UsePreviousTemplate=True,
            RoleARN=ROLE,
            Parameters=[{"ParameterKey": "Package", "ParameterValue": package}],
        )
        return self.describe()

    def delete(self) -> dict[str, Any]:
        """Delete the stack and wait for the end."""
        identity = self.describe()["StackId"]
        self._client.delete_stack(StackName=self.name)
        return self.settled(identity)

    def describe(self, name: str | None = None) -> dict[str, Any]:
        """The stack's description."""
        (found,) = self._client.describe_stacks(StackName=name or self.name)["Stacks"]
        return dict(found)

    def settled(self, name: str | None = None) -> dict[str, Any]:
        """The stack's description once nothing is in progress."""
        found: dict[str, Any] = Emulator.wait_for(
            lambda: self.describe(name), lambda stack: not stack["StackStatus"].endswith("_IN_PROGRESS")
        )
        return found

    def resources(self) -> dict[str, str]:
        """Physical by logical ids."""
        found = self._client.list_stack_resources(StackName=self.name)["StackResourceSummaries"]
        return {entry["LogicalResourceId"]: entry["PhysicalResourceId"] for entry in found}

    def reasons(self) -> list[str]:
        """What the stack's events give as reasons, the newest first."""
        events = self._client.describe_stack_events(StackName=self.name)["StackEvents"]
        return [event["ResourceStatusReason"] for event in events if event.get("ResourceStatusReason")]

    def propose(self, template: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Create a change set and describe it."""
        name = f"set-{uuid.uuid4().hex[:8]}"
        options = {"ChangeSetType": "UPDATE", **options}
        self._client.create_change_set(
            StackName=self.name, ChangeSetName=name, TemplateBody=json.dumps(template), **options
        )
        return dict(self._client.describe_change_set(StackName=self.name, ChangeSetName=name))
