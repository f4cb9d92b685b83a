"""docs/security.md explains every statement of every role, and no other."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stacks.context import COMPANY
from tests.stacks.template import Template, as_list, resources

PAGE = Path(__file__).resolve().parents[2] / "docs/security.md"
SETTINGS = {"managedDebugger": True, "schedule": "rate(30 days)", "driftStarts": True, **COMPANY}

Statement = tuple[str, str]


def explained(page: str) -> set[Statement]:
    """Role and statement of every row of the page's tables; a row may be about several roles."""
    rows = re.findall(r"^\| (`[^|]+) \| (`[^|]+) \|", page, re.MULTILINE)
    return {(role, statement.replace("`", "")) for roles, statement in rows for role in re.findall(r"`(\w+)`", roles)}


def granted(templates: dict[str, Template]) -> set[Statement]:
    """The same of the templates: a statement by its Sid, or else by its actions."""
    found = set()
    for template in templates.values():
        policies = [
            (role, policy["PolicyDocument"])
            for role, properties in resources(template, "AWS::IAM::Role").items()
            for policy in properties.get("Policies", [])
        ]
        for properties in resources(template, "AWS::IAM::Policy").values():
            policies += [(role["Ref"], properties["PolicyDocument"]) for role in properties["Roles"]]
        for role, document in policies:
            for statement in document["Statement"]:
                name = statement.get("Sid") or ", ".join(as_list(statement["Action"]))
                found.add((_construct_id(role), name))
    return found


def _construct_id(logical_id: str) -> str:
    """A role's name in the code, from its logical id: `FunctionsPlanRole3A95AD0E` is PlanRole."""
    return re.sub(r"^(Functions(?=[A-Z])|StateMachine(?=Events))|[0-9A-F]{8}$", "", logical_id)


@pytest.fixture(scope="module")
def in_templates(synthesize: Callable[..., dict[str, Template]]) -> set[Statement]:
    return granted(synthesize(**SETTINGS))


def test_every_statement_is_explained(in_templates: set[Statement]) -> None:
    assert in_templates - explained(PAGE.read_text()) == set()


def test_nothing_is_explained_that_no_role_has(in_templates: set[Statement]) -> None:
    assert explained(PAGE.read_text()) - in_templates == set()
