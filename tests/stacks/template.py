"""Reading synthesised CloudFormation templates."""

import json
from typing import Any

Template = dict[str, Any]


def resolved(token: dict[str, Any]) -> str:
    """A plausible value for a CloudFormation reference."""
    match token:
        case {"Ref": "AWS::Partition"}:
            return "aws"
        case {"Fn::FindInMap": [_, _, "account"]}:
            return "123456789012"
        case {"Fn::GetAtt": [logical_id, "Arn"]} if "Role" in logical_id:
            return f"arn:aws:iam::123456789012:role/{logical_id}"
        case {"Fn::GetAtt": [logical_id, "Arn"]}:
            return f"arn:aws:lambda:us-east-1:123456789012:function:{logical_id}"
        case _:
            return str(next(iter(token.values()))).replace('"', "'")


def machine(template: Template, audit: bool = False) -> dict[str, Any]:
    """Properties of the state machine, or of the audit's."""
    machines = resources(template, "AWS::StepFunctions::StateMachine").values()
    (found,) = (one for one in machines if one["StateMachineName"].endswith("-audit") is audit)
    return found


def machine_definition(template: Template, audit: bool = False) -> dict[str, Any]:
    """A state machine's definition, its references replaced by plausible values."""
    text = machine(template, audit)["DefinitionString"]["Fn::Join"][1]
    return dict(json.loads("".join(part if isinstance(part, str) else resolved(part) for part in text)))


def walk(definition: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every state by its name, those inside of maps included."""
    states: dict[str, dict[str, Any]] = {}
    for name, state in definition["States"].items():
        states[name] = state
        if "ItemProcessor" in state:
            states |= walk(state["ItemProcessor"])
    return states


def resources(template: Template, type: str) -> dict[str, dict[str, Any]]:
    """Logical id -> properties of every resource of a type."""
    return {
        logical_id: resource.get("Properties", {})
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == type
    }


def statements(template: Template, role: str) -> list[dict[str, Any]]:
    """Every statement of the role whose logical id starts with `role`: inline ones and those of attached policies."""
    found: list[dict[str, Any]] = []
    for logical_id, properties in resources(template, "AWS::IAM::Role").items():
        if logical_id.startswith(role):
            for policy in properties.get("Policies", []):
                found += policy["PolicyDocument"]["Statement"]
    for properties in resources(template, "AWS::IAM::Policy").values():
        if any(str(name.get("Ref", "")).startswith(role) for name in properties["Roles"]):
            found += properties["PolicyDocument"]["Statement"]
    assert found, f"no statements of a role {role}"
    return found


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
