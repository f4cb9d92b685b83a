"""The application as it would be deployed: synthesised in this process, nothing created."""

import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk

import app
from doctor.templates import Place, Resolver
from run import contract
from run.contract import ExecutionInput
from stacks.settings import ROOT, DeploymentSettings

_IMAGE = re.compile(r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/[a-z0-9._/-]+:[\w.-]+")


@dataclass(frozen=True)
class Bootstrap:
    """What the templates expect of `cdk bootstrap`: a version at the least, told by a parameter."""

    parameter: str
    version: int


@dataclass(frozen=True)
class Application:
    """Settings, the input of an execution that is started with `{}`, and templates by stack name."""

    settings: DeploymentSettings
    execution_input: ExecutionInput
    templates: Mapping[str, Mapping[str, Any]]
    bootstrap: Bootstrap

    def definitions(self, place: Place) -> Iterator[str]:
        """The state machines' definitions as CreateStateMachine would receive them."""
        resolver = Resolver(self.templates, place)
        return (
            str(resolver.resolve(resource["Properties"]["DefinitionString"], template))
            for template in self.templates.values()
            for resource in template["Resources"].values()
            if resource["Type"] == "AWS::StepFunctions::StateMachine"
        )

    def images(self, place: Place) -> tuple[set[str], bool]:
        """URIs of the images that anything uses; whether the region has every one that is looked up by it."""
        resolver = Resolver(self.templates, place)
        text = json.dumps([resolver.resolve(template["Resources"], template) for template in self.templates.values()])
        return set(_IMAGE.findall(text)), not resolver.missing


def synthesise(context: Mapping[str, Any]) -> Application:
    """The application with the context of cdk.json and, above it, this one.

    Raises
    ------
    InvalidSetting
        Naming the setting, the value given and what is allowed.
    """
    in_file = json.loads((ROOT / "cdk.json").read_text())["context"]
    with tempfile.TemporaryDirectory() as folder:
        application = cdk.App(context={**in_file, **context}, outdir=folder)
        app.build(application)
        stacks = application.synth().stacks
        settings = DeploymentSettings.from_context(application.node)
        wanted = max(stacks, key=lambda stack: stack.requires_bootstrap_stack_version or 0)
        return Application(
            settings=settings,
            execution_input=contract.complete({}, settings.defaults),
            templates={stack.stack_name: stack.template for stack in stacks},
            bootstrap=Bootstrap(
                str(wanted.bootstrap_stack_version_ssm_parameter), int(wanted.requires_bootstrap_stack_version or 0)
            ),
        )
