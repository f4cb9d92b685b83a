"""CloudFormation's API over the rehearsal's own stacks, in the place of moto's."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from moto.cloudformation.exceptions import AlreadyExistsException, CloudFormationError, ValidationError
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.responses import ActionResult, EmptyResult

from rehearsal.aws.cloudformation import capabilities, deployment
from rehearsal.aws.cloudformation.stacks import ChangeSet, Source, Stack, Stacks
from rehearsal.aws.cloudformation.templates import TemplateError, parse
from rehearsal.aws.iam import principals
from rehearsal.aws.iam.principals import USER, Principal

_NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."
_FINISHED = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")

_regions: defaultdict[str, Stacks] = defaultdict(Stacks)


class ChangeSetNotFound(CloudFormationError):
    """The error by which clients know that a change set is not there."""

    code = "ChangeSetNotFound"


class Api(CloudFormationResponse):
    """The operations that deploying an application needs; stack sets stay moto's."""

    RESPONSE_KEY_PATH_TO_TRANSFORMER: ClassVar = {
        path: transform
        for path, transform in CloudFormationResponse.RESPONSE_KEY_PATH_TO_TRANSFORMER.items()
        if "StackSet" in path
    }

    @property
    def _stacks(self) -> Stacks:
        return _regions[self.region]

    def create_stack(self) -> ActionResult:
        """CreateStack"""
        name = self._get_param("StackName")
        if self._stacks.find(name):
            raise AlreadyExistsException(f"Stack [{name}] already exists")
        stack = Stack(name, self.region)
        source = self._source(stack)
        self._stacks.add(stack)
        self._begin(stack, "CREATE_IN_PROGRESS", source.role_arn, deployment.create, source)
        return ActionResult({"StackId": stack.arn})

    def update_stack(self) -> ActionResult:
        """UpdateStack: once for the same token, however often it is asked for."""
        stack, token = self._stack(), self._get_param("ClientRequestToken")
        if token and token == stack.update_token:
            return ActionResult({"StackId": stack.arn})
        if stack.status not in _FINISHED:
            raise ValidationError(stack.name, f"Stack:{stack.arn} is in {stack.status} state and can not be updated.")
        source = self._source(stack)
        if _planned_changes(stack, self._stacks, source) is None:
            raise ValidationError(stack.name, "No updates are to be performed.")
        self._begin(stack, "UPDATE_IN_PROGRESS", source.role_arn, deployment.update, source)
        stack.update_token = token
        return ActionResult({"StackId": stack.arn})

    def delete_stack(self) -> ActionResult:
        """DeleteStack: of a stack that is not there, too."""
        stack = self._stacks.find(self._get_param("StackName"))
        if stack is not None and stack.deleted is None:
            if stack.termination_protection:
                message = f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
                raise ValidationError(stack.name, message)
            self._begin(stack, "DELETE_IN_PROGRESS", self._get_param("RoleARN"), deployment.delete)
        return EmptyResult()

    def create_change_set(self) -> ActionResult:
        """CreateChangeSet of type CREATE or UPDATE."""
        name, kind = self._get_param("StackName"), self._get_param("ChangeSetType", "UPDATE")
        stack = self._stacks.find(name)
        if kind == "UPDATE":
            stack = self._stack()
        elif stack is None:
            stack = Stack(name, self.region)
        elif stack.status != "REVIEW_IN_PROGRESS":
            raise ValidationError(name, f"Stack [{name}] already exists and cannot be created again.")
        stack.role_arn, stack.caller = stack.role_arn or self._get_param("RoleARN"), self._caller
        source = self._source(stack)
        changes = _planned_changes(stack, self._stacks, source)
        if self._stacks.find(name) is None:
            self._stacks.add(stack)
            stack.set_status("REVIEW_IN_PROGRESS", "User Initiated")
        description = self._get_param("Description")
        change_set = ChangeSet(self._get_param("ChangeSetName"), stack, source, changes, description)
        self._stacks.add_change_set(change_set)
        return ActionResult({"Id": change_set.arn, "StackId": stack.arn})

    def describe_change_set(self) -> ActionResult:
        """DescribeChangeSet"""
        return ActionResult(_describe_change_set(self._change_set()))

    def list_change_sets(self) -> ActionResult:
        """ListChangeSets"""
        found = self._stacks.change_sets_of(self._stack())
        return ActionResult({"Summaries": [_describe_change_set(change_set) for change_set in found]})

    def delete_change_set(self) -> ActionResult:
        """DeleteChangeSet: of a change set that is not there, too."""
        change_set = self._stacks.find_change_set(self._get_param("ChangeSetName"), self._get_param("StackName"))
        if change_set is not None:
            self._stacks.remove_change_set(change_set)
        return EmptyResult()

    def execute_change_set(self) -> ActionResult:
        """ExecuteChangeSet"""
        change_set = self._change_set()
        stack = change_set.stack
        if change_set.changes is None or change_set.executed:
            status = "UNAVAILABLE" if change_set.changes is None else "EXECUTE_COMPLETE"
            raise ValidationError(
                stack.name, f"ChangeSet [{change_set.arn}] cannot be executed in its current status of [{status}]"
            )
        source = change_set.source
        if stack.source is None:
            self._begin(stack, "CREATE_IN_PROGRESS", source.role_arn, deployment.create, source)
        else:
            self._begin(stack, "UPDATE_IN_PROGRESS", source.role_arn, deployment.update, source)
        change_set.executed = True
        return EmptyResult()

    def describe_stacks(self) -> ActionResult:
        """DescribeStacks"""
        if self._get_param("StackName"):
            return ActionResult({"Stacks": [_describe(self._stack())]})
        return ActionResult({"Stacks": [_describe(stack) for stack in self._stacks if stack.deleted is None]})

    def list_stacks(self) -> ActionResult:
        """ListStacks"""
        wanted = self._get_param("StackStatusFilter", [])
        found = [_describe(stack) for stack in self._stacks if not wanted or stack.status in wanted]
        return ActionResult({"StackSummaries": found})

    def describe_stack_events(self) -> ActionResult:
        """DescribeStackEvents: the latest first, in one page."""
        return ActionResult({"StackEvents": list(reversed(self._stack().events))})

    def list_stack_resources(self) -> ActionResult:
        """ListStackResources"""
        stack = self._stack()
        return ActionResult({"StackResourceSummaries": [_describe_resource(stack, name) for name in stack.resources]})

    def describe_stack_resources(self) -> ActionResult:
        """DescribeStackResources"""
        stack, wanted = self._stack(), self._get_param("LogicalResourceId")
        found = [_describe_resource(stack, name) for name in stack.resources if wanted in (None, name)]
        return ActionResult({"StackResources": found})

    def describe_stack_resource(self) -> ActionResult:
        """DescribeStackResource"""
        stack, name = self._stack(), self._get_param("LogicalResourceId")
        if name not in stack.resources:
            raise ValidationError(stack.name, f"Resource {name} does not exist for stack {stack.name}")
        return ActionResult({"StackResourceDetail": _describe_resource(stack, name)})

    def get_template(self) -> ActionResult:
        """GetTemplate: the text as it was given."""
        source = self._stack().source
        body = source.body if source else "{}"
        return ActionResult({"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]})

    def list_exports(self) -> ActionResult:
        """ListExports"""
        found = [
            {"ExportingStackId": stack.arn, "Name": name, "Value": value}
            for stack in self._stacks
            if stack.deleted is None
            for name, value in stack.exports.items()
        ]
        return ActionResult({"Exports": found})

    def list_imports(self) -> ActionResult:
        """ListImports"""
        return ActionResult({"Imports": self._stacks.importers(self._get_param("ExportName"))})

    def update_termination_protection(self) -> ActionResult:
        """UpdateTerminationProtection"""
        stack = self._stack()
        stack.termination_protection = self._get_bool_param("EnableTerminationProtection", False)
        return ActionResult({"StackId": stack.arn})

    def _begin(
        self, stack: Stack, status: str, role_arn: str | None, operation: Callable[..., None], *arguments: Any
    ) -> None:
        """Enter a status and do the work in the background, as the stack's role or else as the caller."""
        with stack.lock:
            if stack.is_busy:
                raise ValidationError(
                    stack.name, f"Stack:{stack.arn} is in {stack.status} state and can not be updated."
                )
            stack.role_arn, stack.caller = role_arn or stack.role_arn, self._caller
            stack.set_status(status, "User Initiated")
        threading.Thread(target=operation, args=(stack, self._stacks, *arguments), daemon=True).start()

    @property
    def _caller(self) -> Principal:
        return principals.of_access_key(self.get_access_key()) or USER

    def _stack(self) -> Stack:
        name = self._get_param("StackName")
        stack = self._stacks.find(name)
        if stack is None:
            raise ValidationError(name)
        return stack

    def _change_set(self) -> ChangeSet:
        name = self._get_param("ChangeSetName")
        change_set = self._stacks.find_change_set(name, self._get_param("StackName"))
        if change_set is None:
            raise ChangeSetNotFound(f"ChangeSet [{name}] does not exist")
        return change_set

    def _source(self, stack: Stack) -> Source:
        """What the request asks to deploy, completed from what the stack has."""
        previous = stack.source
        body = self._get_param("TemplateBody")
        if self._get_param("TemplateURL"):
            body = self._get_stack_from_s3_url(self._get_param("TemplateURL"))
        elif self._get_bool_param("UsePreviousTemplate", False) and previous:
            body = previous.body
        if not body:
            raise ValidationError(stack.name, "Either Template URL or Template Body must be specified.")
        given = {}
        for parameter in self._get_param("Parameters", []):
            name = parameter["ParameterKey"]
            if not parameter.get("UsePreviousValue"):
                given[name] = parameter.get("ParameterValue", "")
            elif previous and name in previous.parameters:
                given[name] = previous.parameters[name]
        tags = tuple(sorted((tag["Key"], tag["Value"]) for tag in self._get_param("Tags", [])))
        if not tags and previous:
            tags = previous.tags
        try:
            template = parse(body)
        except TemplateError as error:
            raise ValidationError(stack.name, str(error)) from error
        acknowledged = tuple(self._get_param("Capabilities", []))
        capabilities.check(template, acknowledged)
        declared = template.get("Parameters", {})
        defaults = {name: str(entry["Default"]) for name, entry in declared.items() if "Default" in entry}
        return Source(body, defaults | given, tags, self._get_param("RoleARN"), acknowledged)


def replace_cloudformation() -> None:
    """Answer stack operations from this package.

    moto creates resources lazily and in any order, skips types it does not know, never fails or rolls back a stack, is
    done with an update before it has begun, and does not carry a replacement on to the resources that refer to it.
    """
    for name, attribute in vars(Api).items():
        if not name.startswith("__"):
            setattr(CloudFormationResponse, name, attribute)


def _planned_changes(stack: Stack, stacks: Stacks, source: Source) -> list[dict[str, Any]] | None:
    try:
        return deployment.planned_changes(stack, stacks, source)
    except TemplateError as error:
        raise ValidationError(stack.name, str(error)) from error


def _describe(stack: Stack) -> dict[str, Any]:
    described = {
        "StackId": stack.arn,
        "StackName": stack.name,
        "CreationTime": stack.created,
        "StackStatus": stack.status,
        "DisableRollback": False,
        "EnableTerminationProtection": stack.termination_protection,
        "Outputs": stack.outputs,
    }
    if stack.source is not None:
        described["Parameters"] = [
            _describe_parameter(name, value, stack.resolved_parameters)
            for name, value in stack.source.parameters.items()
        ]
        described["Tags"] = _describe_tags(stack.source)
        described["Capabilities"] = list(stack.source.capabilities)
        if stack.role_arn:
            described["RoleARN"] = stack.role_arn
    if stack.reason:
        described["StackStatusReason"] = stack.reason
    if stack.updated:
        described["LastUpdatedTime"] = stack.updated
    if stack.deleted:
        described["DeletionTime"] = stack.deleted
    return described


def _describe_parameter(name: str, value: str, resolved: Mapping[str, Any]) -> dict[str, str]:
    described = {"ParameterKey": name, "ParameterValue": value}
    if isinstance(resolved.get(name), str) and resolved[name] != value:
        described["ResolvedValue"] = resolved[name]
    return described


def _describe_tags(source: Source) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in source.tags]


def _describe_resource(stack: Stack, name: str) -> dict[str, Any]:
    resource = stack.resources[name]
    return {
        "StackId": stack.arn,
        "StackName": stack.name,
        "LogicalResourceId": name,
        "PhysicalResourceId": resource.deployed.physical_id,
        "ResourceType": resource.kind,
        "ResourceStatus": resource.status,
        "Timestamp": resource.updated,
        "LastUpdatedTimestamp": resource.updated,
    }


def _describe_change_set(change_set: ChangeSet) -> dict[str, Any]:
    empty = change_set.changes is None
    described: dict[str, Any] = {
        "ChangeSetName": change_set.name,
        "ChangeSetId": change_set.arn,
        "StackName": change_set.stack.name,
        "StackId": change_set.stack.arn,
        "Description": change_set.description,
        "CreationTime": change_set.created,
        "Status": "FAILED" if empty else "CREATE_COMPLETE",
        "ExecutionStatus": "UNAVAILABLE" if empty else "EXECUTE_COMPLETE" if change_set.executed else "AVAILABLE",
        "Parameters": [_describe_parameter(*entry, {}) for entry in change_set.source.parameters.items()],
        "Tags": _describe_tags(change_set.source),
        "Capabilities": list(change_set.source.capabilities),
    }
    return described | ({"StatusReason": _NO_CHANGES} if empty else {"Changes": change_set.changes})
