"""A model that waits for a person: the definition's own states, the deployed function, the rule on the registry."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from stacks import assets
from tests.machine.release_machine import BUCKET, FUNCTION, GROUP, Release, States
from tests.rehearsal.emulator import ROLE, running_emulator
from tests.stacks.execution import rendered
from tests.stacks.template import Template, resources

RULE = "decisions"


@pytest.fixture(scope="module")
def release(
    states: States, templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Release]:
    with running_emulator(tmp_path_factory.mktemp("aws") / "work") as emulator:
        made = Release(emulator, states)
        function = emulator.client("lambda").create_function(
            FunctionName=FUNCTION,
            Runtime="python3.14",
            Handler="approval.handler",
            Role=ROLE,
            Code={"ZipFile": _functions()},
            Environment={"Variables": {"DATA_BUCKET": BUCKET}},
            Timeout=60,
        )["FunctionArn"]
        (rule,) = resources(templates["Workflow"], "AWS::Events::Rule").values()
        pattern = rule["EventPattern"] | {"detail": rule["EventPattern"]["detail"] | {"ModelPackageGroupName": [GROUP]}}
        emulator.client("events").put_rule(Name=RULE, EventPattern=json.dumps(pattern))
        emulator.client("events").put_targets(Rule=RULE, Targets=[{"Id": "function", "Arn": function}])
        yield made


def _functions() -> bytes:
    buffer, folder = io.BytesIO(), assets.functions_folder()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in folder.rglob("*.py"):
            archive.write(path, path.relative_to(folder))
    return buffer.getvalue()


def start(release: Release, package: str, seconds: int) -> str:
    """An execution that comes to the registry with a package, to be approved within some seconds."""
    run = {
        "input": {"release": {"approval": "manual", "approvalSeconds": seconds, "package": None}},
        "report": {"uri": f"s3://{BUCKET}/reports/r"},
    }
    evaluation = {"accuracy": 0.5, "release": {"accepted": True, "reason": "it counts well"}}
    definition = release.machine(
        "Approved?", run=run, package=package, evaluation=evaluation, champion=release.served()
    )
    states = release.aws.client("stepfunctions")
    machine = states.create_state_machine(
        name=f"test-{uuid.uuid4().hex[:8]}",
        definition=json.dumps({"QueryLanguage": "JSONata", **definition}),
        roleArn=ROLE,
    )["stateMachineArn"]
    arn: str = states.start_execution(stateMachineArn=machine)["executionArn"]
    return arn


def waiting(release: Release, arn: str) -> None:
    """Until the execution's token is kept."""
    events = release.aws.client("stepfunctions").get_execution_history
    release.aws.wait_for(lambda: str(events(executionArn=arn)), lambda history: "TaskSubmitted" in history)


def outcome(release: Release, arn: str) -> dict[str, Any]:
    ended = release.aws.wait_for(
        lambda: release.aws.client("stepfunctions").describe_execution(executionArn=arn),
        lambda answer: answer["status"] != "RUNNING",
    )
    assert ended["status"] == "SUCCEEDED", ended
    return dict(json.loads(ended["output"]))


def test_a_rule_that_the_function_does_not_know_wakes_nobody_and_time_is_a_rejection(release: Release) -> None:
    # given the rule, and a function whose policy does not mention it
    package = release.package("PendingManualApproval")
    arn = start(release, package, seconds=4)
    waiting(release, arn)
    # when somebody approves
    release.aws.client("sagemaker").update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    # then the execution does not hear of it, and ends when the time is over
    ended = outcome(release, arn)
    assert ended["decision"] == "rejected"
    assert "within the 4 seconds of release.approvalSeconds" in ended["reason"]
    # ... and says what serves the model all the same
    assert (
        f"--model-approval-status Approved --model-package-arn {package}, then make promote PACKAGE={package}"
        in (ended["reason"])
    )
    assert (release.status(package), release.served()) == ("Rejected", "")
    # ... which the test that follows sets right
    rule = release.aws.client("events").describe_rule(Name=RULE)["Arn"]
    release.aws.client("lambda").add_permission(
        FunctionName=FUNCTION,
        StatementId="rule",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule,
    )


def test_an_approval_in_the_registry_lets_the_execution_deploy(release: Release) -> None:
    # given
    package = release.package("PendingManualApproval")
    arn = start(release, package, seconds=300)
    waiting(release, arn)
    # when something else about the package changes, and then a person approves it
    update = release.aws.client("sagemaker").update_model_package
    update(ModelPackageArn=package, CustomerMetadataProperties={"seenBy": "somebody"})
    update(ModelPackageArn=package, ModelApprovalStatus="Approved")
    # then
    ended = outcome(release, arn)
    assert (ended["decision"], ended["reason"], release.served()) == ("deployed", "it counts well", package)


def test_a_rejection_ends_it_with_the_persons_reason(release: Release) -> None:
    # given
    before, package = release.served(), release.package("PendingManualApproval")
    arn = start(release, package, seconds=300)
    waiting(release, arn)
    # when
    release.aws.client("sagemaker").update_model_package(
        ModelPackageArn=package, ModelApprovalStatus="Rejected", ApprovalDescription="it confuses 4 and 5"
    )
    # then
    ended = outcome(release, arn)
    assert ended["decision"] == "rejected"
    assert ended["reason"] == f"package {package} was rejected: it confuses 4 and 5"
    assert release.served() == before


def test_a_decision_before_the_token_is_kept_is_not_lost(release: Release) -> None:
    # given a person who was faster than the execution
    package = release.package("PendingManualApproval")
    release.aws.client("sagemaker").update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    # when and then
    assert outcome(release, start(release, package, seconds=300))["decision"] == "deployed"
    assert release.served() == package


def test_the_message_has_the_report_and_commands_that_can_be_copied(states: States) -> None:
    known = {
        "package": "arn:p/1",
        "evaluation": {"accuracy": 0.5},
        "run": {"input": {"release": {"approvalSeconds": 60}}, "report": {"uri": "s3://data/reports/r"}},
    }
    context = {"Execution": {"Name": "e-1", "Id": "arn:e-1"}}
    published = rendered(states["Ask for approval"]["Arguments"]["Message"], known, context=context)
    message = json.loads(json.loads(published)["default"])
    assert message["report"] == "s3://data/reports/r/report.html"
    assert (message["approve"], message["reject"]) == (
        "make approve EXECUTION=e-1",
        "make reject EXECUTION=e-1 REASON=...",
    )
    assert message["secondsLeft"] == 60
    assert "oken" not in published
