"""The assembly as a whole: the same bytes every time, and clean in the eyes of the field's own checkers."""

import json
import os
import re
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
from constructs import IConstruct

import app as application
from rehearsal.deploy import CDK, cdk_environment
from stacks import assets
from stacks.checks import accept
from tests.stacks.context import CDK_JSON, feature_flags

ROOT = CDK_JSON.parent


@pytest.fixture(scope="module")
def synth(flags: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, bytes]]:
    """Every template and asset manifest of `cdk synth` into a folder, by the real command line."""
    home = tmp_path_factory.mktemp("home")
    (home / "cdk.json").write_text(
        json.dumps({"app": f"python3 {shlex.quote(str(ROOT / 'app.py'))}", "context": flags, "versionReporting": False})
    )

    def synth(folder: str) -> dict[str, bytes]:
        command = [CDK, "synth", "--quiet", "--no-notices", "--output", home / folder]
        subprocess.run(command, cwd=home, env=cdk_environment(os.environ), check=True, capture_output=True)
        return {
            path.name: path.read_bytes()
            for path in (home / folder).iterdir()
            if path.name.endswith((".template.json", ".assets.json")) or path.name == "manifest.json"
        }

    return synth


@pytest.fixture(scope="module")
def first(synth: Callable[[str], dict[str, bytes]]) -> dict[str, bytes]:
    return synth("first")


def test_two_synths_are_byte_identical(first: dict[str, bytes], synth: Callable[[str], dict[str, bytes]]) -> None:
    assert len([name for name in first if name.endswith(".template.json")]) == 4
    assert synth("second") == first


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            [
                *("retaindata=false", "name=team-", "schedule=rate(1 days)", 'sourceBuckets=["*"]', "pollSeconds=1"),
                *("endpointInstanceType=ml.m5.huge", "evaluationInstanceType=ml.p4d.24xlarge"),
                'defaults={"dataset": {"fraction": 3}}',
            ],
            [
                "setting retaindata: there is none of this name; did you mean retainData?",
                'setting name: "team-" was given; must be at most 20 lower-case letters',
                'setting schedule: "rate(1 days)" was given; must be rate(7 days): a whole number above 0',
                'setting sourceBuckets: "*" was given; must be a JSON list of 1 to 20 names of buckets',
                'setting pollSeconds: "1" was given; must be an integer from 10 to 300',
                'setting endpointInstanceType: "ml.m5.huge" was given; must be a SageMaker endpoint instance type',
                'setting evaluationInstanceType: "ml.p4d.24xlarge" was given; must be a SageMaker processing instance',
                "setting defaults: dataset.fraction: 3 was given; must be a number greater than 0 and at most 1",
            ],
        ),
        (["endpointInstances=5"], ["setting endpointInstances: 5 was given; must be at most endpointMaxInstances"]),
        (
            ['defaults={"dataset": {"source": "s3://elsewhere"}}'],
            ['setting defaults: dataset.source: "s3://elsewhere" was given; must be in one of the buckets'],
        ),
    ],
    ids=["each", "together", "as Plan"],
)
def test_wrong_settings_stop_the_command_line_with_a_sentence_each(
    given: list[str], told: list[str], tmp_path: Path
) -> None:
    command = [CDK, "synth", "--quiet", "--no-notices", "--output", tmp_path]
    command += [argument for setting in given for argument in ("-c", setting)]
    result = subprocess.run(
        command, cwd=ROOT, env=cdk_environment(os.environ), capture_output=True, text=True, check=False
    )
    assert result.returncode != 0
    for sentence in told:
        assert sentence in result.stderr
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.glob("*.template.json"))


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


def test_the_command_line_finds_this_interpreter_whatever_the_path_is(tmp_path: Path) -> None:
    # given a python3 of somebody else's, first in the caller's PATH
    other = tmp_path / "python3"
    other.write_text("#!/bin/sh")
    other.chmod(0o755)
    # then what cdk.json calls python3 is the one that has the packages
    python = shutil.which("python3", path=cdk_environment({"PATH": str(tmp_path)})["PATH"])
    assert python
    assert Path(python).parent == Path(sys.executable).parent


def test_the_page_and_the_package_name_the_same_tested_versions_of_node() -> None:
    sentence = re.compile(r"Tested with Node\.js ([0-9, and]+[0-9])")
    told = [sentence.findall((ROOT / name).read_text()) for name in ("README.md", "package.json")]
    assert told[0] == told[1]
    assert len(told[0]) == 1


def test_the_settings_of_whoever_deploys_reach_no_test(tmp_path: Path) -> None:
    # given a cdk.json in which somebody has written down what he deploys
    own = tmp_path / "cdk.json"
    own.write_text(json.dumps({"context": {"endpointInstances": 2, "name": "other", "@aws-cdk/core:flag": True}}))
    # then the tests take how to synthesise from it, and not what
    assert feature_flags(own) == {"@aws-cdk/core:flag": True}


@pytest.fixture
def built(flags: dict[str, Any]) -> cdk.App:
    app = cdk.App(context=flags)
    application.build(app)
    return app


def at(app: cdk.App, *path: str) -> Any:
    """The construct at a path."""
    construct: IConstruct = app
    for id in path:
        construct = construct.node.find_child(id)
    return construct


def test_new_wildcards_stop_the_synth(built: cdk.App) -> None:
    # given the application with more than has been argued for: in a role of its own,
    workflow = at(built, "Stocktake-Workflow")
    curious = iam.Role(workflow, "Curious", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    curious.add_to_policy(iam.PolicyStatement(actions=["s3:GetObject"], resources=["arn:aws:s3:::somewhere/*"]))
    # ... in roles whose other wildcards are accepted, one of them on any resource, as others there are,
    for role in (at(workflow, "FeaturesRole"), at(workflow, "Functions", "PlanRole")):
        role.add_to_policy(iam.PolicyStatement(actions=["s3:GetObject"], resources=["arn:aws:s3:::elsewhere/*"]))
    at(workflow, "EvaluationRole").add_to_policy(iam.PolicyStatement(actions=["s3:GetObject"], resources=["*"]))
    at(workflow, "StateMachine").machine.add_to_role_policy(
        iam.PolicyStatement(actions=["sagemaker:DescribeTrainingJob"], resources=["arn:aws:sagemaker:::training-job/*"])
    )
    # ... and another action on an accepted pattern, by the role that reads and writes there
    models = at(built, "Stocktake-Storage").data_bucket.arn_for_objects("models/*")
    at(workflow, "TrainingRole").add_to_policy(iam.PolicyStatement(actions=["s3:DeleteObject"], resources=[models]))
    # when
    with pytest.raises(RuntimeError) as error:
        built.synth()
    # then cdk-nag has a finding for each
    found = str(error.value)
    for role in ("Curious", "FeaturesRole", "EvaluationRole", "TrainingRole", "StateMachine/Default/Role"):
        assert f"Stocktake-Workflow/{role}/DefaultPolicy/Resource" in found
    assert "Stocktake-Workflow/Functions/PlanRole/DefaultPolicy/Resource" in found
    # ... and for nothing else
    assert "Stocktake-Workflow/Functions/PackRole" not in found
    assert "Stocktake-Endpoint" not in found


def test_a_reason_for_what_no_policy_asks_for_stops_the_synth(built: cdk.App) -> None:
    # given a reason that was left behind when its statement went
    statement = iam.PolicyStatement(actions=["s3:GetObject"], resources=["arn:aws:s3:::gone/*"])
    accept(at(built, "Stocktake-Workflow", "TrainingRole"), "It was needed once.", statement)
    # then
    with pytest.raises(RuntimeError, match=r"TrainingRole.* s3:GetObject on arn:aws:s3:::gone/\* is accepted"):
        built.synth()


def test_caches_of_tools_change_no_asset(first: dict[str, bytes], synth: Callable[[str], dict[str, bytes]]) -> None:
    caches = [ROOT / folder / ".test_cache" for folder in ("lambda", "training_code")]
    try:
        for cache in caches:
            cache.mkdir()
            (cache / "file").write_text("left by a linter")
        assert synth("after") == first
    finally:
        for cache in caches:
            shutil.rmtree(cache, ignore_errors=True)


def test_both_assets_read_photos_by_the_same_file() -> None:
    carried = (assets.functions_folder() / "photo_file.py").read_bytes()
    archive, _ = assets.training_archive()
    with tarfile.open(archive) as tar:
        read = tar.extractfile("photo_file.py")
        assert read is not None
        assert read.read() == carried


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
