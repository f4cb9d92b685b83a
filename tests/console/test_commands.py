"""Commands about models against the emulated AWS: what they set and start, what they say, and their exit status."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from console.cli import main
from tests.console.conftest import GROUP
from tests.rehearsal.emulator import Emulator

pytestmark = pytest.mark.usefixtures("deployed")


def waiting_package(aws: Emulator, execution: str) -> str:
    arn: str = aws.client("sagemaker").create_model_package(
        ModelPackageGroupName=GROUP,
        InferenceSpecification={
            "Containers": [{"Image": "ray", "ModelDataUrl": "s3://data/model.tar.gz"}],
            "SupportedContentTypes": ["image/jpeg"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
        CustomerMetadataProperties={"execution": execution},
    )["ModelPackageArn"]
    return arn


def described(aws: Emulator, package: str) -> dict[str, Any]:
    found: dict[str, Any] = aws.client("sagemaker").describe_model_package(ModelPackageName=package)
    return found


@pytest.mark.parametrize(("command", "status"), [("approve", "Approved"), ("reject", "Rejected")])
def test_a_decision_is_the_status_of_that_executions_package(aws: Emulator, command: str, status: str) -> None:
    # given two executions that wait
    mine, others = (f"{command}-{uuid.uuid4().hex[:6]}" for _ in range(2))
    package, other = waiting_package(aws, mine), waiting_package(aws, others)
    # when one is decided on, by its ARN
    arn = f"arn:aws:states:us-east-1:123456789012:execution:stocktake:{mine}"
    assert main([command, arn, "--reason", "looked at its worst photos"]) == 0
    # then
    found = described(aws, package)
    assert (found["ModelApprovalStatus"], found["ApprovalDescription"]) == (status, "looked at its worst photos")
    assert described(aws, other)["ModelApprovalStatus"] == "PendingManualApproval"


def test_a_decision_and_a_release_answer_programs(aws: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    package = waiting_package(aws, "of-programs")
    assert main(["approve", "of-programs", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"package": package, "status": "Approved"}
    assert main(["rollback", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["decision"], told["model"]) == ("deployed", {"packageArn": "previous"})
    assert main(["promote", "arn:a/2", "--json", "--no-wait"]) == 0
    assert json.loads(capsys.readouterr().out).keys() == {"name", "arn"}
    assert main(["promote", "arn:none", "--json"]) == 1
    assert capsys.readouterr().out == ""


def test_an_execution_that_does_not_wait_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["approve", "nobody"]) == 1
    assert capsys.readouterr().err == f"Error: No package of execution nobody waits for a decision in {GROUP}.\n"


def test_another_name_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rollback", "--name", "other"]) == 1
    assert "There is no stack Other-Workflow in this account and region" in capsys.readouterr().err


def test_a_deployment_of_an_earlier_version_is_named(aws: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    parameter = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "x"}}
    aws.client("cloudformation").create_stack(
        StackName="Old-Workflow", TemplateBody=json.dumps({"Resources": {"Any": parameter}})
    )
    assert main(["rollback", "--name", "old"]) == 1
    assert "Stack Old-Workflow has no output 'StateMachineArn'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "package"),
    [
        (["rollback"], "previous"),
        (["rollback", "--package", "arn:a/1"], "arn:a/1"),
        (["promote", "arn:a/2"], "arn:a/2"),
    ],
)
def test_going_back_and_forth_are_executions_that_are_waited_for(
    capsys: pytest.CaptureFixture[str], command: list[str], package: str
) -> None:
    assert main(command) == 0
    assert f"deployed: {package} behind endpoint stocktake" in capsys.readouterr().out


def test_one_that_fails_says_why_and_the_exit_status_tells(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["promote", "arn:none"]) == 1
    assert capsys.readouterr().err == "Error: FAILED NotApproved: it is not approved\n"


def test_missing_arguments_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["promote"]) == 2
    assert "Missing argument 'PACKAGE'" in capsys.readouterr().err


def test_an_endpoint_that_is_not_there_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"\xff\xd8\xff\xd9")
    assert main(["predict", str(photo), "--endpoint", "no-such"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("Error: ")
    assert "no-such" in error
    assert "Traceback" not in error
