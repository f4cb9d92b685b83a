"""The application synthesised once, and its state machine's definition as the service would receive it."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import aws_cdk as cdk
import pytest

import app as application
from tests.stacks.context import CDK_JSON, feature_flags
from tests.stacks.template import Template, machine_definition, walk

# Templates are read, not what they deploy: 400 files less for each choice of settings.
WITHOUT_FILES = {"aws:cdk:disable-asset-staging": True}


@pytest.fixture(scope="session")
def flags() -> dict[str, Any]:
    return feature_flags(CDK_JSON)


@pytest.fixture(scope="session")
def synthesize(flags: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Template]]:
    """Synthesise with the settings' defaults but for those given; stack name without the prefix -> template.

    Once for each choice of settings, as that takes a second; what is returned is the caller's own.
    """
    made: dict[str, dict[str, Template]] = {}

    def synthesize(**settings: Any) -> dict[str, Template]:
        key = json.dumps(settings, sort_keys=True)
        if key not in made:
            app = cdk.App(context=flags | WITHOUT_FILES | settings, outdir=str(tmp_path_factory.mktemp("assembly")))
            application.build(app)
            assembly = app.synth()
            made[key] = {stack.stack_name.split("-")[1]: stack.template for stack in assembly.stacks}
        return deepcopy(made[key])

    return synthesize


@pytest.fixture(scope="session")
def templates(synthesize: Callable[..., dict[str, Template]]) -> dict[str, Template]:
    return synthesize()


@pytest.fixture(scope="session")
def definition(templates: dict[str, Template]) -> dict[str, Any]:
    """The state machine's definition, its references replaced by plausible values."""
    return machine_definition(templates["Workflow"])


@pytest.fixture(scope="session")
def states(definition: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return walk(definition)
