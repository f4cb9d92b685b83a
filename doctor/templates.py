"""The intrinsic functions of synthesised templates, evaluated for one account and region before anything exists."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Template = Mapping[str, Any]

_KNOWN_BY_ARN = {"AWS::Lambda::LayerVersion", "AWS::SNS::Topic", "AWS::StepFunctions::StateMachine"}
"""Types of resources whose Ref is an ARN; that of others is a name."""


@dataclass(frozen=True)
class Place:
    """Where the templates would be deployed to."""

    partition: str
    region: str
    account: str

    @property
    def pseudo_parameters(self) -> dict[str, str]:
        """The values of `AWS::Region` and its like; what a stack gets when it is created is made up."""
        suffix = "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"
        stack = f"arn:{self.partition}:cloudformation:{self.region}:{self.account}:stack/name/{uuid.UUID(int=0)}"
        return {
            "AWS::StackId": stack,
            "AWS::StackName": "name",
            "AWS::Partition": self.partition,
            "AWS::Region": self.region,
            "AWS::AccountId": self.account,
            "AWS::URLSuffix": suffix,
        }


@dataclass
class Resolver:
    """Evaluates values of templates that import from each other.

    Attributes
    ----------
    missing
        What mappings have no entry for: such as a region that AWS publishes no images in.
    """

    templates: Mapping[str, Template]
    place: Place
    missing: set[str] = field(default_factory=set)

    def resolve(self, value: Any, template: Template) -> Any:
        """The value as CloudFormation would see it; names of resources are their logical ids."""
        if isinstance(value, list):
            return [self.resolve(item, template) for item in value]
        if not isinstance(value, dict):
            return value
        match value:
            case {"Ref": str(name)}:
                return self._ref(name, template)
            case {"Fn::GetAtt": [str(name), "Arn"]}:
                return self._arn(name, template)
            case {"Fn::GetAtt": [str(name), str(attribute)]}:
                return f"{name}.{attribute}"
            case {"Fn::ImportValue": exported}:
                return self._exported(self.resolve(exported, template))
            case {"Fn::Join": [separator, parts]}:
                return separator.join(map(str, self.resolve(parts, template)))
            case {"Fn::Sub": str(text)}:
                return re.sub(r"\$\{([^!}]+)\}", lambda found: self._ref(found[1], template), text)
            case {"Fn::Split": [separator, text]}:
                return self.resolve(text, template).split(separator)
            case {"Fn::Select": [index, values]}:
                return self.resolve(values, template)[int(index)]
            case {"Fn::FindInMap": [name, *keys]}:
                return self._mapped(template["Mappings"][name], self.resolve(keys, template))
        return {key: self.resolve(item, template) for key, item in value.items()}

    def _ref(self, name: str, template: Template) -> str:
        if name in (known := self.place.pseudo_parameters):
            return known[name]
        resource = template["Resources"].get(name)
        if resource is None:
            return str(template["Parameters"][name].get("Default", ""))
        return self._arn(name, template) if resource["Type"] in _KNOWN_BY_ARN else _name(name, resource)

    def _arn(self, name: str, template: Template) -> str:
        place, resource = self.place, template["Resources"][name]
        _, service, kind = resource["Type"].split("::")
        match service, kind:
            case "IAM", _:
                return f"arn:{place.partition}:iam::{place.account}:{kind.lower()}/{name}"
            case "S3", _:
                return f"arn:{place.partition}:s3:::{_name(name, resource)}"
            case "SNS", _:
                identifier = name
            case "StepFunctions", _:
                service, identifier = "states", f"stateMachine:{name}"
            case _:
                identifier = f"{kind.lower()}:{name}"
        return f"arn:{place.partition}:{service.lower()}:{place.region}:{place.account}:{identifier}"

    def _exported(self, name: str) -> Any:
        for template in self.templates.values():
            for output in template.get("Outputs", {}).values():
                if self.resolve(output.get("Export", {}).get("Name"), template) == name:
                    return self.resolve(output["Value"], template)
        return name

    def _mapped(self, content: Any, keys: list[str]) -> str:
        for key in keys:
            if key not in content:
                self.missing.add(key)
                return ""
            content = content[key]
        return str(content)


def _name(logical_id: str, resource: Mapping[str, Any]) -> str:
    return logical_id.lower() if resource["Type"] == "AWS::S3::Bucket" else logical_id
