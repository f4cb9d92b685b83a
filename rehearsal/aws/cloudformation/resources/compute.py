"""Lambda, Step Functions and what starts them."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from rehearsal.aws.cloudformation.resource_type import (
    Context,
    Properties,
    PutType,
    ResourceFailed,
    ResourceType,
    camel_case,
    chosen,
)
from rehearsal.aws.cloudformation.templates import Deployed

_FUNCTION_CONFIGURATION = (
    "Role",
    "Handler",
    "Runtime",
    "Description",
    "Timeout",
    "MemorySize",
    "Environment",
    "Layers",
    "EphemeralStorage",
    "LoggingConfig",
    "TracingConfig",
    "DeadLetterConfig",
)


class Function(ResourceType):
    """``AWS::Lambda::Function`` from a zip in S3."""

    name = "AWS::Lambda::Function"
    replaced_by = frozenset({"FunctionName", "PackageType"})

    def create(self, context: Context, properties: Properties) -> Deployed:
        """Create the function."""
        code = chosen(properties["Code"], "S3Bucket", "S3Key", "S3ObjectVersion")
        if not code:
            raise ResourceFailed("The rehearsal runs functions from a zip in S3 (Code.S3Bucket and Code.S3Key) only.")
        tags = {tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])}
        created = context.client("lambda").create_function(
            FunctionName=properties.get("FunctionName") or context.unique_name(64),
            Code=code,
            Tags=tags,
            **chosen(properties, *_FUNCTION_CONFIGURATION, "Architectures"),
        )
        return Deployed(created["FunctionName"], {"Arn": created["FunctionArn"]})

    def update(self, context: Context, physical_id: str, properties: Properties) -> Deployed:
        """Change code and configuration."""
        lambda_ = context.client("lambda")
        lambda_.update_function_code(FunctionName=physical_id, **chosen(properties["Code"], "S3Bucket", "S3Key"))
        configuration = {"Environment": {"Variables": {}}} | chosen(properties, *_FUNCTION_CONFIGURATION)
        updated = lambda_.update_function_configuration(FunctionName=physical_id, **configuration)
        return Deployed(physical_id, {"Arn": updated["FunctionArn"]})

    def delete(self, context: Context, physical_id: str) -> None:
        """Remove the function."""
        lambda_ = context.client("lambda")
        with contextlib.suppress(lambda_.exceptions.ResourceNotFoundException):
            lambda_.delete_function(FunctionName=physical_id)


class LayerVersion(ResourceType):
    """``AWS::Lambda::LayerVersion``: every change publishes a new version."""

    name = "AWS::Lambda::LayerVersion"
    replaced_by = frozenset(
        {"Content", "LayerName", "Description", "CompatibleRuntimes", "CompatibleArchitectures", "LicenseInfo"}
    )

    def create(self, context: Context, properties: Properties) -> Deployed:
        """Publish a version."""
        published = context.client("lambda").publish_layer_version(
            LayerName=properties.get("LayerName") or context.unique_name(140),
            Content=properties["Content"],
            **chosen(properties, "Description", "CompatibleRuntimes", "CompatibleArchitectures"),
        )
        return Deployed(published["LayerVersionArn"], {"LayerVersionArn": published["LayerVersionArn"]})

    def delete(self, context: Context, physical_id: str) -> None:
        """Remove the version."""
        layer, version = physical_id.rsplit(":", 1)
        context.client("lambda").delete_layer_version(LayerName=layer, VersionNumber=int(version))


class Permission(ResourceType):
    """``AWS::Lambda::Permission``"""

    name = "AWS::Lambda::Permission"
    replaced_by = frozenset(
        {"Action", "FunctionName", "Principal", "SourceArn", "SourceAccount", "EventSourceToken", "PrincipalOrgID"}
    )

    def create(self, context: Context, properties: Properties) -> Deployed:
        """Allow a principal to call a function."""
        statement = context.unique_name(100)
        context.client("lambda").add_permission(
            StatementId=statement,
            **chosen(properties, "Action", "FunctionName", "Principal", "SourceArn", "SourceAccount"),
        )
        return Deployed(f"{properties['FunctionName']}|{statement}", {"Id": statement})

    def delete(self, context: Context, physical_id: str) -> None:
        """Take the permission back."""
        function, statement = physical_id.split("|")
        lambda_ = context.client("lambda")
        with contextlib.suppress(lambda_.exceptions.ResourceNotFoundException):
            lambda_.remove_permission(FunctionName=function, StatementId=statement)


class StateMachine(PutType):
    """``AWS::StepFunctions::StateMachine``"""

    name = "AWS::StepFunctions::StateMachine"
    replaced_by = frozenset({"StateMachineName", "StateMachineType"})

    def put(self, context: Context, physical_id: str | None, properties: Properties) -> Deployed:
        """Create or change the machine."""
        states = context.client("stepfunctions")
        options: dict[str, Any] = {
            "roleArn": properties["RoleArn"],
            "definition": _definition(context, properties),
            **camel_case(chosen(properties, "LoggingConfiguration", "TracingConfiguration")),
        }
        if physical_id is None:
            name = properties.get("StateMachineName") or context.unique_name(80)
            tags = camel_case(properties.get("Tags", []))
            kind = properties.get("StateMachineType", "STANDARD")
            physical_id = str(
                states.create_state_machine(name=name, type=kind, tags=tags, **options)["stateMachineArn"]
            )
        else:
            states.update_state_machine(stateMachineArn=physical_id, **options)
        return Deployed(physical_id, {"Arn": physical_id, "Name": physical_id.rsplit(":", 1)[1]})

    def delete(self, context: Context, physical_id: str) -> None:
        """Remove the machine."""
        context.client("stepfunctions").delete_state_machine(stateMachineArn=physical_id)


class Rule(PutType):
    """``AWS::Events::Rule``: events of services fire it, and no clock does."""

    name = "AWS::Events::Rule"
    replaced_by = frozenset({"Name", "EventBusName"})

    def put(self, context: Context, physical_id: str | None, properties: Properties) -> Deployed:
        """Create or change the rule and its targets."""
        events = context.client("events")
        rule = physical_id or properties.get("Name") or context.unique_name(64)
        options = chosen(properties, "ScheduleExpression", "State", "Description", "RoleArn")
        if "EventPattern" in properties:
            options["EventPattern"] = json.dumps(properties["EventPattern"])
        arn = events.put_rule(Name=rule, **options)["RuleArn"]
        if properties.get("Targets"):
            events.put_targets(Rule=rule, Targets=properties["Targets"])
        return Deployed(rule, {"Arn": arn})

    def delete(self, context: Context, physical_id: str) -> None:
        """Remove the rule and its targets."""
        events = context.client("events")
        with contextlib.suppress(events.exceptions.ResourceNotFoundException):
            targets = events.list_targets_by_rule(Rule=physical_id)["Targets"]
            if targets:
                events.remove_targets(Rule=physical_id, Ids=[target["Id"] for target in targets])
            events.delete_rule(Name=physical_id)


class Schedule(PutType):
    """``AWS::Scheduler::Schedule``: kept; nothing fires it in a rehearsal."""

    name = "AWS::Scheduler::Schedule"
    replaced_by = frozenset({"Name", "GroupName"})

    def put(self, context: Context, physical_id: str | None, properties: Properties) -> Deployed:
        """Create or change the schedule."""
        scheduler = context.client("scheduler")
        schedule = physical_id or properties.get("Name") or context.unique_name(64)
        write = scheduler.create_schedule if physical_id is None else scheduler.update_schedule
        options = {name: value for name, value in properties.items() if name != "Name"}
        return Deployed(schedule, {"Arn": write(Name=schedule, **options)["ScheduleArn"]})

    def delete(self, context: Context, physical_id: str) -> None:
        """Remove the schedule."""
        scheduler = context.client("scheduler")
        with contextlib.suppress(scheduler.exceptions.ResourceNotFoundException):
            scheduler.delete_schedule(Name=physical_id)


def _definition(context: Context, properties: Properties) -> str:
    if "DefinitionString" in properties:
        text = str(properties["DefinitionString"])
    elif "DefinitionS3Location" in properties:
        place = properties["DefinitionS3Location"]
        text = context.client("s3").get_object(Bucket=place["Bucket"], Key=place["Key"])["Body"].read().decode()
    else:
        text = json.dumps(properties["Definition"])
    for name, value in properties.get("DefinitionSubstitutions", {}).items():
        text = text.replace(f"${{{name}}}", str(value))
    return text
