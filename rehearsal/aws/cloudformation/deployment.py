"""Bringing a stack from what it is to what a template says, and back when that fails.

CloudFormation's order of things: create, change and replace along the dependencies; then, when all of that
succeeded, delete what was replaced or removed, in the opposite order. A replacement carries on to whatever refers to
the replaced resource, because its properties then resolve to something else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.aws import location
from rehearsal.aws.cloudformation import handlers
from rehearsal.aws.cloudformation.resource_type import ResourceFailed
from rehearsal.aws.cloudformation.resources import resource_type
from rehearsal.aws.cloudformation.stacks import Resource, Source, Stack, Stacks, now
from rehearsal.aws.cloudformation.templates import (
    Deployed,
    Scope,
    Template,
    TemplateError,
    parse,
    resolve_parameters,
)
from rehearsal.aws.iam.enforcement import AccessDenied

_FAILURES = (ResourceFailed, TemplateError, AccessDenied, ClientError, BotoCoreError)


def create(stack: Stack, stacks: Stacks, source: Source) -> None:
    """Deploy a new stack; a failure removes what was made and ends in ROLLBACK_COMPLETE."""
    try:
        _Deployment(stack, stacks, source).run()
    except _FAILURES as error:
        reason = str(error)
        stack.set_status("ROLLBACK_IN_PROGRESS", reason)
        failed = _delete_resources(stack, list(stack.resources))
        stack.set_status("ROLLBACK_FAILED" if failed else "ROLLBACK_COMPLETE", failed or reason)
    else:
        stack.set_status("CREATE_COMPLETE")


def update(stack: Stack, stacks: Stacks, source: Source) -> None:
    """Change a stack; a failure takes back every step and ends in UPDATE_ROLLBACK_COMPLETE."""
    stack.updated = now()
    deployment = _Deployment(stack, stacks, source)
    try:
        deployment.run()
    except _FAILURES as error:
        reason = str(error)
        stack.set_status("UPDATE_ROLLBACK_IN_PROGRESS", reason)
        try:
            deployment.undo()
        except _FAILURES as undo_error:
            stack.set_status("UPDATE_ROLLBACK_FAILED", str(undo_error))
        else:
            stack.set_status("UPDATE_ROLLBACK_COMPLETE", reason)
        return
    stack.set_status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    deployment.clean_up()
    stack.set_status("UPDATE_COMPLETE")


def delete(stack: Stack, stacks: Stacks) -> None:
    """Delete a stack's resources, except those to be retained; a failure ends in DELETE_FAILED."""
    for export in stack.exports:
        if users := stacks.importers(export):
            reason = f"Export {export} cannot be deleted as it is in use by {', '.join(users)}"
            stack.set_status("DELETE_FAILED", reason)
            return
    if failed := _delete_resources(stack, list(stack.resources)):
        stack.set_status("DELETE_FAILED", failed)
        return
    stack.imported.clear()
    stack.deleted = now()
    stack.set_status("DELETE_COMPLETE")


def planned_changes(stack: Stack, stacks: Stacks, source: Source) -> list[dict[str, Any]] | None:
    """What deploying ``source`` would do, resource by resource, as DescribeChangeSet tells it; None for nothing at all.

    Raises
    ------
    TemplateError
        CloudFormation would refuse the template or its parameters.
    """
    body = parse(source.body)
    scope = _scope(stack, stacks, source, body)
    wanted = Template(body, scope).resources()
    unchanged = stack.source is not None and scope.parameters == stack.resolved_parameters
    if unchanged and stack.source and parse(stack.source.body) == body and stack.source.tags == source.tags:
        return None
    changes = []
    for name, declaration in wanted.items():
        if name not in stack.resources:
            changes.append(_change("Add", name, declaration["Type"]))
        elif not unchanged or declaration != stack.resources[name].declaration:
            changes.append(_change("Modify", name, declaration["Type"], stack.resources[name].deployed.physical_id))
    for name, resource in stack.resources.items():
        if name not in wanted:
            changes.append(_change("Remove", name, resource.kind, resource.deployed.physical_id))
    return changes


@dataclass
class _Deployment:
    """One run over the resources of a template, which remembers how to take back each step."""

    stack: Stack
    stacks: Stacks
    source: Source
    _before: Mapping[str, Resource] = field(default_factory=dict)
    _undo: list[Callable[[], None]] = field(default_factory=list)
    _obsolete: list[tuple[str, Resource]] = field(default_factory=list)

    def run(self) -> None:
        """Create, change and replace; nothing is deleted yet."""
        body = parse(self.source.body)
        scope = _scope(self.stack, self.stacks, self.source, body)
        template = Template(body, scope)
        self._before = dict(self.stack.resources)
        wanted = template.resources()
        for name, declaration in wanted.items():
            try:
                deployed = self._deploy(name, declaration, template.properties(declaration))
            except _FAILURES as error:
                status = "UPDATE_FAILED" if name in self._before else "CREATE_FAILED"
                self.stack.record(name, "", declaration["Type"], status, str(error))
                raise ResourceFailed(f"The following resource(s) failed: [{name}]. {error}") from error
            scope.resources[name] = deployed
        outputs = template.outputs()
        self._check_exports(outputs)
        removed = [name for name in self._before if name not in wanted]
        self._obsolete += [(name, self._before[name]) for name in removed]
        # In the order they now depend on each other, which later deletions reverse.
        self.stack.resources = {name: self.stack.resources[name] for name in wanted}
        self.stack.source, self.stack.resolved_parameters = self.source, dict(scope.parameters)
        self.stack.outputs, self.stack.imported = outputs, scope.imported

    def _check_exports(self, outputs: Sequence[Mapping[str, str]]) -> None:
        """An export's name is one stack's, and its value stays as long as another stack imports it."""
        exports = {output["ExportName"]: output["OutputValue"] for output in outputs if "ExportName" in output}
        for name in exports.keys() & (self.stacks.exports.keys() - self.stack.exports.keys()):
            raise ResourceFailed(f"Export with name {name} is already exported by another stack")
        for name, value in self.stack.exports.items():
            users = [user for user in self.stacks.importers(name) if user != self.stack.name]
            if users and exports.get(name) != value:
                change = "updated" if name in exports else "deleted"
                raise ResourceFailed(f"Export {name} cannot be {change} as it is in use by {', '.join(users)}")

    def undo(self) -> None:
        """Take back every step of a failed run, the last one first."""
        for step in reversed(self._undo):
            step()
        self.stack.resources = dict(self._before)

    def clean_up(self) -> None:
        """Delete what the run replaced or removed; what resists stays behind, as in AWS."""
        for name, resource in reversed(self._obsolete):
            policy = "DeletionPolicy" if name not in self.stack.resources else "UpdateReplacePolicy"
            _delete_resource(self.stack, name, resource, policy)

    def _deploy(self, name: str, declaration: Mapping[str, Any], properties: Mapping[str, Any]) -> Deployed:
        kind = resource_type(declaration["Type"])
        context = self.stack.context(name)
        old = self._before.get(name)
        if old is not None and old.kind == kind.name and old.properties == properties:
            self.stack.resources[name] = Resource(
                kind.name, declaration, properties, old.deployed, old.status, old.updated
            )
            return old.deployed
        changed = _differences(old.properties, properties) if old else set()
        if old is not None and old.kind == kind.name and not changed & kind.replaced_by:
            self.stack.record(name, old.deployed.physical_id, kind.name, "UPDATE_IN_PROGRESS")
            self._undo.append(lambda: self._change_back(name, old))
            deployed, status = kind.update(context, old.deployed.physical_id, properties), "UPDATE_COMPLETE"
            handlers.require_permissions(context.principal, kind.name, "update", deployed.arn, properties)
        else:
            self.stack.record(name, "", kind.name, "CREATE_IN_PROGRESS" if old is None else "UPDATE_IN_PROGRESS")
            deployed, status = self._create(name, declaration, properties), "CREATE_COMPLETE"
            if old is not None:
                self._obsolete.append((name, old))
                status = "UPDATE_COMPLETE"
        self.stack.resources[name] = Resource(kind.name, declaration, properties, deployed, status)
        self.stack.record(name, deployed.physical_id, kind.name, status)
        return deployed

    def _create(self, name: str, declaration: Mapping[str, Any], properties: Mapping[str, Any]) -> Deployed:
        kind = resource_type(declaration["Type"])
        context = self.stack.context(name)
        deployed = kind.create(context, properties)
        made = Resource(kind.name, {}, properties, deployed, "CREATE_COMPLETE")
        self._undo.append(lambda: _require_deleted(self.stack, name, made))
        handlers.require_permissions(context.principal, kind.name, "create", deployed.arn, properties)
        return deployed

    def _change_back(self, name: str, old: Resource) -> None:
        context = self.stack.context(name)
        resource_type(old.kind).update(context, old.deployed.physical_id, old.properties)
        self.stack.record(name, old.deployed.physical_id, old.kind, "UPDATE_COMPLETE")


def _scope(stack: Stack, stacks: Stacks, source: Source, body: Mapping[str, Any]) -> Scope:
    ssm = stack.context("").client("ssm")

    def read_ssm(name: str) -> str:
        try:
            return str(ssm.get_parameter(Name=name)["Parameter"]["Value"])
        except ssm.exceptions.ParameterNotFound as error:
            raise TemplateError(
                f"Unable to fetch parameters [{name}] from parameter store for this account."
            ) from error

    pseudo = {
        "AWS::AccountId": location.ACCOUNT_ID,
        "AWS::Region": stack.region,
        "AWS::Partition": "aws",
        "AWS::URLSuffix": "amazonaws.com",
        "AWS::StackName": stack.name,
        "AWS::StackId": stack.arn,
        "AWS::NotificationARNs": [],
    }
    return Scope(resolve_parameters(body, source.parameters, read_ssm), pseudo, stacks.exports)


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> set[str]:
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}


def _change(action: str, name: str, kind: str, physical_id: str | None = None) -> dict[str, Any]:
    change = {"Action": action, "LogicalResourceId": name, "ResourceType": kind}
    return {"Type": "Resource", "ResourceChange": change | ({"PhysicalResourceId": physical_id} if physical_id else {})}


def _delete_resources(stack: Stack, names: list[str]) -> str:
    """Delete resources, the last made first. Returns why one could not be deleted, or nothing."""
    failures = []
    for name in reversed(names):
        if reason := _delete_resource(stack, name, stack.resources[name], "DeletionPolicy"):
            failures.append(f"{name}: {reason}")
        else:
            del stack.resources[name]
    return "; ".join(failures)


def _delete_resource(stack: Stack, name: str, resource: Resource, policy: str) -> str:
    """Delete a resource unless ``policy`` of its declaration retains it. Returns why that failed, or nothing."""
    physical_id = resource.deployed.physical_id
    if resource.declaration.get(policy, "Delete") in ("Retain", "RetainExceptOnCreate"):
        stack.record(name, physical_id, resource.kind, "DELETE_SKIPPED")
        return ""
    stack.record(name, physical_id, resource.kind, "DELETE_IN_PROGRESS")
    try:
        context = stack.context(name)
        handlers.require_permissions(
            context.principal, resource.kind, "delete", resource.deployed.arn, resource.properties
        )
        resource_type(resource.kind).delete(context, physical_id)
    except _FAILURES as error:
        logging.getLogger(__name__).warning("%s in %s was not deleted: %s", name, stack.name, error)
        stack.record(name, physical_id, resource.kind, "DELETE_FAILED", str(error))
        return str(error)
    stack.record(name, physical_id, resource.kind, "DELETE_COMPLETE")
    return ""


def _require_deleted(stack: Stack, name: str, resource: Resource) -> None:
    if reason := _delete_resource(stack, name, resource, "DeletionPolicy"):
        raise ResourceFailed(f"{name}: {reason}")
