"""Commands about models against the emulated AWS: what they set and start, what they say, and their exit status."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from console.cli import main
from tests.console.conftest import GROUP, REFUSED, Execute
from tests.rehearsal.emulator import Emulator

pytestmark = pytest.mark.usefixtures("deployed")


def package_of(aws: Emulator, execution: str, status: str = "PendingManualApproval", group: str = GROUP) -> str:
    metrics = {"ContentType": "application/json", "S3Uri": f"s3://evaluated/reports/{execution}/metrics.json"}
    arn: str = aws.client("sagemaker").create_model_package(
        ModelPackageGroupName=group,
        ModelApprovalStatus=status,
        ModelMetrics={"ModelQuality": {"Statistics": metrics}},
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
    package, other = package_of(aws, mine), package_of(aws, others)
    # when one is decided on, by its ARN
    arn = f"arn:aws:states:us-east-1:123456789012:execution:stocktake:{mine}"
    assert main([command, arn, "--reason", "looked at\nits worst photos"]) == 0
    # then it has the reason, in one line, as SageMaker takes no other
    found = described(aws, package)
    assert (found["ModelApprovalStatus"], found["ApprovalDescription"]) == (status, "looked at its worst photos")
    assert described(aws, other)["ModelApprovalStatus"] == "PendingManualApproval"


def test_a_decision_and_a_release_answer_programs(aws: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    package = package_of(aws, "of-programs")
    assert main(["approve", "of-programs", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"package": package, "status": "Approved"}
    assert main(["rollback", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["decision"], told["model"]) == ("deployed", {"packageArn": "previous"})
    assert main(["promote", package, "--json", "--no-wait"]) == 0
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


@pytest.mark.parametrize("command", [["rollback"], ["rollback", "--package"], ["promote"]])
def test_going_back_and_forth_are_executions_that_are_waited_for(
    aws: Emulator, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    package = "previous" if command == ["rollback"] else package_of(aws, "served", "Approved")
    assert main([*command, *([package] if package != "previous" else [])]) == 0
    assert f"deployed: {package} behind endpoint stocktake" in capsys.readouterr().out


def test_one_that_fails_says_why_and_the_exit_status_tells(aws: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    package = package_of(aws, "refused", "Approved", REFUSED)
    assert main(["promote", package, "--name", "refused"]) == 1
    assert capsys.readouterr().err.endswith("Error: FAILED NotApproved: it is not approved\n")


@pytest.mark.parametrize("command", [["promote"], ["rollback", "--package"]])
def test_what_may_not_be_served_starts_nothing(
    aws: Emulator, deployed: str, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    # given packages that wait, are of another deployment, or are not there
    states = aws.client("stepfunctions")
    before = states.list_executions(stateMachineArn=deployed)["executions"]
    waits, others = package_of(aws, "waits"), package_of(aws, "others", "Approved", REFUSED)
    nobody = "arn:aws:sagemaker:us-east-1:123456789012:model-package/stocktake-models/9999"
    listed = (
        f"these may be served: aws sagemaker list-model-packages --model-package-group-name {GROUP} "
        "--model-approval-status Approved"
    )
    # when each is to be served, then a sentence says why not
    for package, why in {
        waits: f"{waits} is PendingManualApproval, and only an approved one is served. Nothing was started.",
        others: f"{others} is of {REFUSED}, not of {GROUP}; {listed}",
        nobody: f"There is no model package {nobody}; {listed}",
    }.items():
        assert main([*command, package]) == 1
        assert capsys.readouterr().err == f"Error: {why}\n"
    assert states.list_executions(stateMachineArn=deployed)["executions"] == before


def test_while_a_model_waits_its_evaluation_is_the_report(
    aws: Emulator, execute: Execute, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # given two executions that run, one of which has registered a package and evaluated its model
    waits, runs = execute(hold=True), execute(hold=True)
    package_of(aws, waits)
    aws.client("s3").create_bucket(Bucket="evaluated")
    aws.client("s3").put_object(Bucket="evaluated", Key=f"reports/{waits}/report.html", Body=b"<title>Evaluation")
    # when
    assert main(["report", waits, "--to", str(tmp_path)]) == 0
    # then
    assert (tmp_path / "report.html").read_text() == "<title>Evaluation"
    assert main(["report", runs, "--to", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"Error: {runs} is RUNNING, and has no report.\n"


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
