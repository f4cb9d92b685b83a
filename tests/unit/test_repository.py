"""What people find around the code: commands, the workflow and the pages name what exists."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["deploy", "ARGS=-c name=team"], "cdk deploy --all --no-notices  -c name=team"),
        (["deploy", "YES=1"], "cdk deploy --all --no-notices --require-approval never"),
        (["destroy", "ARGS=-c name=team", "YES=1"], "cdk destroy --all --no-notices --force -c name=team"),
        (["bootstrap", "ARGS=aws://1/us-east-1"], "cdk bootstrap --no-notices aws://1/us-east-1"),
        (["doctor", "ARGS=-c name=team"], "python -m console doctor  -c name=team"),
        (["rehearse", "KEEP=1", "ARGS=-c name=team"], "--keep -c name=team"),
        (["test-stacks"], "python -m pytest tests/stacks"),
    ],
)
def test_make_hands_settings_on(given: list[str], told: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    made = subprocess.run(["make", "-n", *given], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert told in made.stdout


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["start", "first.json"], "'first.json' is none"),
        (["start", "input=first.json"], "Write options in capitals: INPUT=first.json"),
        (["list", "limit=3"], "Write options in capitals: LIMIT=3"),
    ],
)
def test_make_does_nothing_else_where_an_option_is_misspelt(given: list[str], told: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    made = subprocess.run(
        ["make", "-n", *given], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert (made.returncode, made.stdout) == (2, "")
    assert told in made.stderr


def test_the_workflow_calls_targets_that_exist_by_actions_that_are_pinned() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    job = workflow["jobs"]["check"]
    targets = {entry["target"] for entry in job["strategy"]["matrix"]["include"]}
    assert targets == {"test-stacks", "lint", "test"}
    known = set(re.findall(r"^([a-z-]+): setup", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert targets <= known
    assert workflow["permissions"] == {"contents": "read"}
    uses = [step["uses"] for step in job["steps"] if "uses" in step]
    assert uses
    assert all(re.fullmatch(r"[a-z/-]+@[0-9a-f]{40}", use) for use in uses)


def test_the_assertion_that_the_page_shows_is_one_that_runs() -> None:
    [shown] = re.findall(r"```python\n(.*?)```", (ROOT / "docs/testing.md").read_text(), re.DOTALL)
    kept = (ROOT / "tests/stacks/test_endpoint.py").read_text()
    assert shown[shown.index("def test") :] in kept
