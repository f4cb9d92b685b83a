"""What a deployment leaves for the console to find, in one emulated AWS for all tests of this folder."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from console import follow
from tests.rehearsal.emulator import ROLE, Emulator, running_emulator

GROUP = "stocktake-models"
REFUSED = "refused-models"
"""Deployment `refused` has this group: its state machine fails with what is to be released from it."""

ESTIMATE = """
class InvalidInput(Exception): pass
class NoPrices(Exception): pass
def handler(event, context):
    if event.get("seed") == -1:
        raise InvalidInput("seed: -1 was given; must be an integer\\nrecipe: 3 was given; must be notebook")
    if event.get("seed") == -2:
        raise NoPrices("there are none")
    usd = 1234.5 if event.get("recipe") == "fine-tuning" else 1.234
    known = event.get("seed") != -3
    return {
        "input": event, "usd": usd if known else None, "onDemandUsd": 2.1 if known else None,
        "prices": "table of 2026-11-28 in this repository",
        "lines": [
            {
                "what": "Train", "instanceType": "ml.g4dn.xlarge", "seconds": 4500, "usd": 1.23 if known else None,
                "spot": True,
            },
            {"what": "Lambda", "instanceType": None, "seconds": None, "usd": 0.004, "spot": False},
        ],
        "assumptions": ["a trial takes [4] minutes"],
        "endpoint": {
            "instanceType": "ml.m7i.large", "instances": 1, "usdPerMonth": 90.0,
            "alternatives": [{"instanceType": "ml.c7i.large", "usdPerMonth": 80.0 if known else None}],
        },
    }
"""

OUTPUT: dict[str, Any] = {
    "dataset": {"counts": {"train": {"1": 60}, "test": {"1": 10}}},
    "comparison": None,
    "tuning": None,
    "training": {"spot": False, "rules": {}},
    "evaluation": {
        "accuracy": 0.31,
        "interval": [0.27, 0.35],
        "withinOne": 0.7,
        "champion": None,
        "reportUri": "s3://reported/reports/1/report.html",
    },
    "decision": "rejected",
    "reason": "accuracy 0.31 is below 0.4",
    "model": {"packageArn": None},
    "endpoint": {"name": "stocktake"},
    "cost": {"usd": 0.75},
}


def _machine() -> dict[str, Any]:
    """Does what its input says: `fail`, `hold`, start the jobs of `process`, or end with `output`."""
    asked = "$states.input"
    served = {
        "decision": "deployed",
        "model": {"packageArn": "PACKAGE"},
        "endpoint": {"name": "stocktake"},
    }
    output = json.dumps(served).replace('"PACKAGE"', f"{asked}.release.package")

    def job(integration: str, index: int, **fields: Any) -> dict[str, Any]:
        resource = f"arn:aws:states:::{integration}"
        return {"Type": "Task", "Resource": resource, "Arguments": f"{{% {asked}.process[{index}] %}}", **fields}

    choices = {
        f"$contains({asked}.release.package & '', '{REFUSED}/')": "Refuse",
        f"$exists({asked}.fail)": "Write report of failure",
        f"$exists({asked}.hold)": "Hold",
        f"$exists({asked}.process)": "Leave running",
    }
    return {
        "QueryLanguage": "JSONata",
        "StartAt": "What?",
        "States": {
            "What?": {
                "Type": "Choice",
                "Choices": [{"Condition": f"{{% {condition} %}}", "Next": to} for condition, to in choices.items()],
                "Default": "Serve",
            },
            "Refuse": {"Type": "Fail", "Error": "NotApproved", "Cause": "it is not approved"},
            "Write report of failure": {
                "Type": "Pass",
                "Output": f"{{% {{'reportUri': $type({asked}.fail) = 'string' ? {asked}.fail : null}} %}}",
                "Next": "Fail",
            },
            "Fail": {"Type": "Fail", "Error": "NoUsableImages", "Cause": "Plan: there are [none]"},
            "Hold": {"Type": "Wait", "Seconds": 600, "Next": "Serve"},
            "Leave running": job("aws-sdk:sagemaker:createProcessingJob", 0, Next="Process", Output=f"{{% {asked} %}}"),
            "Process": job("sagemaker:createProcessingJob.sync", 1, End=True),
            "Serve": {
                "Type": "Pass",
                "Output": f"{{% $exists({asked}.output) ? {asked}.output : {output} %}}",
                "End": True,
            },
        },
    }


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running_emulator(tmp_path_factory.mktemp("console") / "work") as emulator:
        yield emulator


@pytest.fixture(scope="session")
def deployment(aws: Emulator) -> str:
    """ARN of the state machine of the deployment `stocktake`. That of `empty` has never run."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("estimate.py", ESTIMATE)
    aws.client("lambda").create_function(
        FunctionName="estimate-function",
        Runtime="python3.14",
        Role=ROLE,
        Handler="estimate.handler",
        Code={"ZipFile": buffer.getvalue()},
    )
    for group in (GROUP, REFUSED):
        aws.client("sagemaker").create_model_package_group(ModelPackageGroupName=group)
    _deploy(aws, "empty", GROUP)
    _deploy(aws, "refused", REFUSED)
    return _deploy(aws, "stocktake", GROUP)


def _deploy(aws: Emulator, name: str, group: str) -> str:
    machine, audits = [
        aws.client("stepfunctions").create_state_machine(name=its, definition=json.dumps(_machine()), roleArn=ROLE)[
            "stateMachineArn"
        ]
        for its in (name, f"{name}-audit")
    ]
    outputs = {"StateMachineArn": machine, "ModelPackageGroup": group, "EstimateFunction": "estimate-function"}
    outputs["AuditStateMachineArn"] = audits
    template = {
        "Resources": {"Any": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "x"}}},
        "Outputs": {key: {"Value": value} for key, value in outputs.items()},
    }
    cloudformation, stack = aws.client("cloudformation"), f"{name.capitalize()}-Workflow"
    cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps(template))
    aws.wait_for(
        lambda: cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"],
        lambda status: status == "CREATE_COMPLETE",
    )
    return str(machine)


@pytest.fixture
def deployed(aws: Emulator, deployment: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The state machine's ARN, where commands find it."""
    for name, value in {
        "AWS_ENDPOINT_URL": aws.endpoint_url,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "rehearsal",
        "AWS_SECRET_ACCESS_KEY": "rehearsal",
        "NO_PROXY": "localhost",
        "COLUMNS": "200",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(follow, "_SECONDS_BETWEEN_LOOKS", 0.1)
    return deployment


Execute = Callable[..., str]


@pytest.fixture
def execute(aws: Emulator, deployed: str) -> Execute:
    """Starts an execution with an input, or an audit, and waits for its end unless it has none; gives its name."""

    def run(machine: str = deployed, **execution_input: Any) -> str:
        states = aws.client("stepfunctions")
        arn: str = states.start_execution(stateMachineArn=machine, input=json.dumps(execution_input))["executionArn"]
        if not execution_input.keys() & {"hold", "process"}:
            aws.wait_for(
                lambda: states.describe_execution(executionArn=arn)["status"], lambda status: status != "RUNNING"
            )
        return arn.rpartition(":")[2]

    return run


def status_of(aws: Emulator, machine: str, name: str) -> str:
    """An execution's status, by its name."""
    arn = f"{machine.replace(':stateMachine:', ':execution:')}:{name}"
    status: str = aws.client("stepfunctions").describe_execution(executionArn=arn)["status"]
    return status
