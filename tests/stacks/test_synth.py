"""The synth: stopped by what is wrong, and clean in the eyes of the field's own checkers."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from constructs import IConstruct

import app as application
from rehearsal.deploy import CDK, cdk_environment
from stacks.checks import accept
from tests.stacks.context import CDK_JSON, feature_flags

ROOT = CDK_JSON.parent


def test_wrong_settings_stop_the_command_line_with_a_sentence_each(tmp_path: Path) -> None:
    given = {
        "retaindata=false": "setting retaindata: there is none of this name; did you mean retainData?",
        "name=team-": 'setting name: "team-" was given; must be at most 20 lower-case letters',
        "schedule=rate(1 days)": 'setting schedule: "rate(1 days)" was given; must be rate(7 days): a whole number '
        "above 0",
        'sourceBuckets=["*"]': 'setting sourceBuckets: "*" was given; must be a JSON list of 1 to 20 names of buckets',
        "pollSeconds=1": 'setting pollSeconds: "1" was given; must be an integer from 10 to 300',
        "endpointInstanceType=ml.m5.huge": 'setting endpointInstanceType: "ml.m5.huge" was given; must be a SageMaker '
        "endpoint instance type",
        "evaluationInstanceType=ml.p4d.24xlarge": 'setting evaluationInstanceType: "ml.p4d.24xlarge" was given; must '
        "be a SageMaker processing instance",
        'defaults={"dataset": {"fraction": 3}}': "setting defaults: dataset.fraction: 3 was given; must be a number "
        "greater than 0 and at most 1",
    }
    command = [CDK, "synth", "--quiet", "--no-notices", "--output", tmp_path]
    command += [argument for setting in given for argument in ("-c", setting)]
    result = subprocess.run(
        command, cwd=ROOT, env=cdk_environment(os.environ), capture_output=True, text=True, check=False
    )
    assert result.returncode != 0
    for sentence in given.values():
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
