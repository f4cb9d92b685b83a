"""The application synthesised once, and its state machine's definition as the service would receive it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

import app as application
from tests.stacks.template import Template, machine_definition, walk

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def synthesize(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Template]]:
    """Synthesise with cdk.json's context and overrides; stack name without the prefix -> template."""

    def synthesize(**context: Any) -> dict[str, Template]:
        defaults = json.loads((ROOT / "cdk.json").read_text())["context"]
        app = cdk.App(context=defaults | context, outdir=str(tmp_path_factory.mktemp("assembly")))
        application.build(app)
        assembly = app.synth()
        return {stack.stack_name.split("-")[1]: stack.template for stack in assembly.stacks}

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
