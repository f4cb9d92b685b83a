"""CloudFormation templates: reading, parameters, conditions, intrinsic functions and the order of resources."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

import yaml  # type: ignore[import-untyped]
from moto.cloudformation.utils import yaml_tag_constructor

_SUBSTITUTION = re.compile(r"\$\{(!?)([^}]+)\}")
_SSM_TYPE = re.compile(r"AWS::SSM::Parameter::Value<.+>")


class TemplateError(ValueError):
    """A template or a parameter that CloudFormation would refuse; the message says what is wrong."""


class _NoValue:
    """What ``AWS::NoValue`` stands for: the member that holds it is left out."""


_NO_VALUE = _NoValue()


@dataclass(frozen=True)
class Deployed:
    """A resource as templates see it: what Ref gives, and GetAtt's attributes."""

    physical_id: str
    attributes: Mapping[str, Any]

    @property
    def arn(self) -> str:
        """Its ARN; the physical id where that is one, or where it has none."""
        return str(self.attributes.get("Arn", self.physical_id))


@dataclass
class Scope:
    """What a template's functions can refer to.

    Parameters
    ----------
    parameters
        Resolved values by name.
    pseudo
        ``AWS::Region`` and its like.
    exports
        Values exported by other stacks, by export name.
    resources
        Deployed resources by logical id; grows while a stack is deployed.
    """

    parameters: Mapping[str, Any]
    pseudo: Mapping[str, Any]
    exports: Mapping[str, str]
    resources: dict[str, Deployed] = field(default_factory=dict)
    imported: set[str] = field(default_factory=set)
    """Names of exports that were read."""


def parse(body: str) -> dict[str, Any]:
    """Read a template in JSON or YAML.

    Raises
    ------
    TemplateError
        It is neither, or has no resources.
    """
    try:
        template = json.loads(body)
    except ValueError:
        yaml.add_multi_constructor("", yaml_tag_constructor)
        try:
            template = yaml.load(body, Loader=yaml.Loader)
        except yaml.YAMLError as error:
            raise TemplateError(f"Template format error: {error}") from error
    if not isinstance(template, dict) or not template.get("Resources"):
        raise TemplateError("Template format error: At least one Resources member must be defined.")
    return template


def resolve_parameters(
    template: Mapping[str, Any], given: Mapping[str, str], read_ssm: Callable[[str], str]
) -> dict[str, Any]:
    """Values of all the template's parameters: given ones, else defaults; SSM parameters read, lists split."""
    declared = template.get("Parameters", {})
    if unknown := sorted(set(given) - set(declared)):
        raise TemplateError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    values: dict[str, Any] = {}
    for name, declaration in declared.items():
        value = given.get(name, declaration.get("Default"))
        if value is None:
            raise TemplateError(f"Parameters: [{name}] must have values")
        value = str(value)
        allowed = declaration.get("AllowedValues")
        if allowed and value not in map(str, allowed):
            raise TemplateError(f"Parameter '{name}' must be one of {', '.join(map(str, allowed))}, not '{value}'.")
        pattern = declaration.get("AllowedPattern")
        if pattern and not re.fullmatch(pattern, value):
            raise TemplateError(f"Parameter '{name}' must match {pattern}, and '{value}' does not.")
        kind = declaration.get("Type", "String")
        if _SSM_TYPE.fullmatch(kind):
            value = read_ssm(value)
        values[name] = value.split(",") if kind.startswith("List<") or kind == "CommaDelimitedList" else value
    return values


class Template:
    """A template whose functions can be evaluated in a scope."""

    def __init__(self, body: Mapping[str, Any], scope: Scope) -> None:
        self._body = body
        self._scope = scope
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::If": self._if,
            "Fn::FindInMap": self._find_in_map,
            "Fn::ImportValue": self._import_value,
            "Fn::GetAZs": lambda region: [
                f"{self.resolve(region) or scope.pseudo['AWS::Region']}{zone}" for zone in "abc"
            ],
            "Fn::Base64": lambda text: base64.b64encode(self.resolve(text).encode()).decode(),
            "Fn::ToJsonString": lambda value: json.dumps(self.resolve(value)),
            "Condition": self.condition,
            "Fn::Equals": lambda pair: str(self.resolve(pair[0])) == str(self.resolve(pair[1])),
            "Fn::Not": lambda terms: not self.resolve(terms[0]),
            "Fn::And": lambda terms: all(self.resolve(term) for term in terms),
            "Fn::Or": lambda terms: any(self.resolve(term) for term in terms),
        }

    def condition(self, name: str) -> bool:
        """The value of a named condition."""
        conditions = self._body.get("Conditions", {})
        if name not in conditions:
            raise TemplateError(f"Template format error: Unresolved condition dependency {name}")
        return bool(self.resolve(conditions[name]))

    def resources(self) -> dict[str, Any]:
        """The declarations of the resources whose condition holds, each after what it depends on."""
        wanted = {
            name: declaration
            for name, declaration in self._body["Resources"].items()
            if "Condition" not in declaration or self.condition(declaration["Condition"])
        }
        graph = {name: sorted(_dependencies(declaration) & set(wanted)) for name, declaration in wanted.items()}
        try:
            return {name: wanted[name] for name in TopologicalSorter(graph).static_order()}
        except CycleError as error:
            raise TemplateError(f"Circular dependency between resources: {error.args[1]}") from error

    def properties(self, declaration: Mapping[str, Any]) -> dict[str, Any]:
        """A resource's properties with every function evaluated."""
        resolved: dict[str, Any] = self.resolve(declaration.get("Properties", {}))
        return resolved

    def outputs(self) -> list[dict[str, str]]:
        """Outputs as DescribeStacks gives them, without those whose condition does not hold."""
        found = []
        for key, output in self._body.get("Outputs", {}).items():
            if "Condition" in output and not self.condition(output["Condition"]):
                continue
            entry = {"OutputKey": key, "OutputValue": str(self.resolve(output["Value"]))}
            if "Description" in output:
                entry["Description"] = output["Description"]
            if "Export" in output:
                entry["ExportName"] = str(self.resolve(output["Export"]["Name"]))
            found.append(entry)
        return found

    def resolve(self, value: Any) -> Any:
        """Evaluate every function within a value."""
        if isinstance(value, list):
            return [member for item in value if (member := self.resolve(item)) is not _NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name in self._functions and not (name == "Condition" and not isinstance(argument, str)):
                return self._functions[name](argument)
            if name.startswith("Fn::"):
                raise TemplateError(f"Template error: the rehearsal does not know the function {name}.")
        return {name: member for name, item in value.items() if (member := self.resolve(item)) is not _NO_VALUE}

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NO_VALUE
        for values in (self._scope.pseudo, self._scope.parameters):
            if name in values:
                return values[name]
        return self._resource(name).physical_id

    def _get_att(self, target: str | list[str]) -> Any:
        name, attribute = target.split(".", 1) if isinstance(target, str) else (target[0], self.resolve(target[1]))
        resource = self._resource(name)
        if attribute not in resource.attributes:
            known = ", ".join(sorted(resource.attributes)) or "none"
            raise TemplateError(f"Resource {name} has no attribute {attribute} in the rehearsal; it has {known}.")
        return resource.attributes[attribute]

    def _resource(self, name: str) -> Deployed:
        if name not in self._scope.resources:
            raise TemplateError(f"Template format error: Unresolved resource dependencies [{name}]")
        return self._scope.resources[name]

    def _sub(self, argument: str | list[Any]) -> str:
        text, local = (argument, {}) if isinstance(argument, str) else argument

        def replacement(match: re.Match[str]) -> str:
            literal, name = match.groups()
            if literal:
                return f"${{{name}}}"
            if name in local:
                return str(self.resolve(local[name]))
            return str(self._get_att(name) if "." in name else self._ref(name))

        return _SUBSTITUTION.sub(replacement, text)

    def _join(self, argument: list[Any]) -> str:
        return str(argument[0]).join(str(part) for part in self.resolve(argument[1]))

    def _select(self, argument: list[Any]) -> Any:
        return self.resolve(argument[1])[int(self.resolve(argument[0]))]

    def _split(self, argument: list[Any]) -> list[str]:
        parts: list[str] = self.resolve(argument[1]).split(argument[0])
        return parts

    def _if(self, argument: list[Any]) -> Any:
        return self.resolve(argument[1] if self.condition(argument[0]) else argument[2])

    def _find_in_map(self, argument: list[Any]) -> Any:
        found = self._body.get("Mappings", {})
        for key in self.resolve(argument[:3]):
            if key not in found:
                raise TemplateError(f"Template error: Unable to get mapping for {'::'.join(map(str, argument))}")
            found = found[key]
        return found

    def _import_value(self, argument: Any) -> str:
        name = self.resolve(argument)
        if name not in self._scope.exports:
            raise TemplateError(f"No export named {name} found.")
        self._scope.imported.add(name)
        return self._scope.exports[name]


def _dependencies(declaration: Mapping[str, Any]) -> set[str]:
    explicit = declaration.get("DependsOn", [])
    names = [explicit] if isinstance(explicit, str) else explicit
    return {*names, *_references(declaration.get("Properties", {}))}


def _references(value: Any) -> Iterator[str]:
    """Logical ids that a value's functions name (and names of parameters, which the caller sorts out)."""
    if isinstance(value, list):
        for item in value:
            yield from _references(item)
    if not isinstance(value, dict):
        return
    for name, argument in value.items():
        if name == "Ref":
            yield argument
        elif name == "Fn::GetAtt":
            yield argument.split(".")[0] if isinstance(argument, str) else argument[0]
        else:
            if name == "Fn::Sub":
                text = argument if isinstance(argument, str) else argument[0]
                yield from (match[2].split(".")[0] for match in _SUBSTITUTION.finditer(text))
            yield from _references(argument)
