"""The assembly as a whole: the same bytes every time, and clean in the eyes of the field's own checkers."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam

import app as application
from rehearsal.deploy import CDK, cdk_environment
from stacks import assets
from tests.stacks.conftest import CDK_JSON, feature_flags

ROOT = CDK_JSON.parent


@pytest.fixture
def synth(flags: dict[str, Any], tmp_path: Path) -> Callable[[str], dict[str, bytes]]:
    """Every template and asset manifest of `cdk synth` into a folder, by the real command line."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "cdk.json").write_text(
        json.dumps(
            json.loads(CDK_JSON.read_text()) | {"app": f"python3 {shlex.quote(str(ROOT / 'app.py'))}", "context": flags}
        )
    )

    def synth(folder: str) -> dict[str, bytes]:
        command = [CDK, "synth", "--quiet", "--no-notices", "--output", tmp_path / folder]
        subprocess.run(command, cwd=home, env=cdk_environment(os.environ), check=True, capture_output=True)
        return {
            path.name: path.read_bytes()
            for path in (tmp_path / folder).iterdir()
            if path.name.endswith((".template.json", ".assets.json")) or path.name == "manifest.json"
        }

    return synth


def test_two_synths_are_byte_identical(synth: Callable[[str], dict[str, bytes]]) -> None:
    first, second = synth("first"), synth("second")
    assert len([name for name in first if name.endswith(".template.json")]) == 4
    assert first == second


def test_cfn_lint_finds_no_error(synthesize: Callable[..., dict[str, dict]], tmp_path: Path) -> None:
    for name, template in synthesize().items():
        (tmp_path / f"{name}.json").write_text(json.dumps(template))
    # W3005, a dependency that is stated twice, is how CDK waits for policies.
    command = [
        Path(sys.executable).with_name("cfn-lint"),
        "--ignore-checks",
        "W3005",
        "--",
        *map(str, sorted(tmp_path.iterdir())),
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_the_settings_of_whoever_deploys_reach_no_test(tmp_path: Path) -> None:
    # given a cdk.json in which somebody has written down what he deploys
    own = tmp_path / "cdk.json"
    own.write_text(json.dumps({"context": {"endpointInstances": 2, "name": "other", "@aws-cdk/core:flag": True}}))
    # then the tests take how to synthesise from it, and not what
    assert feature_flags(own) == {"@aws-cdk/core:flag": True}


def test_a_new_wildcard_stops_the_synth(flags: dict[str, Any]) -> None:
    # given the application with one more statement than has been argued for
    app = cdk.App(context=flags)
    application.build(app)
    workflow = app.node.find_child("Stocktake-Workflow")
    role = iam.Role(workflow, "Curious", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    role.add_to_policy(iam.PolicyStatement(actions=["s3:GetObject"], resources=["arn:aws:s3:::somewhere/*"]))
    # then cdk-nag has a finding that nobody accepted
    with pytest.raises(RuntimeError, match="Stocktake-Workflow/Curious"):
        app.synth()


@pytest.mark.parametrize("folder", ["lambda", "training_code"])
def test_caches_of_tools_change_no_asset(folder: str, synth: Callable[[str], dict[str, bytes]]) -> None:
    cache = ROOT / folder / ".test_cache"
    before = synth("before")
    cache.mkdir()
    try:
        (cache / "file").write_text("left by a linter")
        assert synth("after") == before
    finally:
        shutil.rmtree(cache)


def test_the_training_code_is_the_same_asset_every_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = []
    for folder in ("first", "second"):
        monkeypatch.setattr(assets, "BUILD", tmp_path / folder)
        archive, digest = assets.training_archive()
        made.append((archive.name, archive.read_bytes(), digest))
    assert made[0] == made[1]


def test_the_training_code_brings_the_packages_that_the_image_lacks() -> None:
    archive, _ = assets.training_archive()
    with tarfile.open(archive) as tar:
        names = tar.getnames()
    assert {"train.py", "packages/pynvml.py", "packages/smdebug/pytorch/__init__.py"} <= set(names)
    # Pure Python, the same bytes whichever machine installs them, and nothing that pip or a shell would want.
    suffixes = {Path(name).suffix for name in names}
    assert not {".so", ".pyc"} & suffixes
    assert not {"RECORD", "INSTALLER", "REQUESTED", "packages.txt"} & {Path(name).name for name in names}
    assert not [name for name in names if name.startswith("packages/bin/")]
