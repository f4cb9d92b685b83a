"""The release's own states in the emulated AWS: registry, turns and endpoint stack are real, the endpoint is not."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from stacks.endpoint.stack import PARAMETER
from tests.rehearsal.emulator import ROLE, Emulator, hurry

States = dict[str, dict[str, Any]]
FUNCTION = "approval"
BUCKET, STACK, GROUP = "data", "Stocktake-Endpoint", "stocktake-models"
TEMPLATE = {
    "Parameters": {PARAMETER: {"Type": "String", "Default": ""}},
    "Resources": {
        "Served": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Type": "String", "Value": {"Fn::Sub": f"x${{{PARAMETER}}}"}},
        }
    },
}
NOT_HERE: States = {
    "Look at endpoint": {"endpoint": {"name": "stocktake", "status": "InService"}},
    "Describe endpoint": {"endpoint": {"name": "stocktake", "status": "InService"}, "decision": "deployed"},
    "Describe endpoint configuration": {},
    "Describe served model": {"serving": "{% $wanted %}"},
    "Smoke test": {"smokeTest": {}},
}
"""States that would ask the endpoint, and what they assign instead."""


@dataclass
class Release:
    """One emulated AWS with what a release acts on."""

    aws: Emulator
    states: States
    table: str = field(init=False)

    def __post_init__(self) -> None:
        self.table = self.states["Take turn"]["Arguments"]["TableName"]
        self.aws.client("s3").create_bucket(Bucket=BUCKET)
        self.aws.client("dynamodb").create_table(
            TableName=self.table,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        self.aws.client("sagemaker").create_model_package_group(ModelPackageGroupName=GROUP)
        cloudformation = self.aws.client("cloudformation")
        cloudformation.create_stack(StackName=STACK, TemplateBody=json.dumps(TEMPLATE))
        self.aws.wait_for(lambda: self.stack()["StackStatus"], lambda status: status == "CREATE_COMPLETE")

    def stack(self) -> dict[str, Any]:
        found: dict[str, Any] = self.aws.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        return found

    def served(self) -> str:
        """The package that the endpoint's stack is to serve."""
        (parameter,) = self.stack()["Parameters"]
        return str(parameter["ParameterValue"])

    def turn(self) -> str | None:
        """The execution whose turn it is."""
        item = self.aws.client("dynamodb").get_item(TableName=self.table, Key={"id": {"S": "turn"}}).get("Item")
        return item["takenBy"]["S"] if item else None

    def package(self, status: str = "Approved", replaced: str = "none") -> str:
        """Register a package that has an evaluation."""
        self.aws.client("s3").put_object(Bucket=BUCKET, Key="reports/r/metrics.json", Body=b'{"accuracy": 0.5}')
        statistics = {"ContentType": "application/json", "S3Uri": f"s3://{BUCKET}/reports/r/metrics.json"}
        arn: str = self.aws.client("sagemaker").create_model_package(
            ModelPackageGroupName=GROUP,
            InferenceSpecification={
                "Containers": [{"Image": "ray", "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz"}],
                "SupportedContentTypes": ["image/jpeg"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
            ModelApprovalStatus=status,
            ModelMetrics={"ModelQuality": {"Statistics": statistics}},
            CustomerMetadataProperties={"replaced": replaced},
        )["ModelPackageArn"]
        return arn

    def status(self, package: str) -> str:
        found: str = self.aws.client("sagemaker").describe_model_package(ModelPackageName=package)[
            "ModelApprovalStatus"
        ]
        return found

    def serve(self, package: str) -> None:
        """Put a package behind the endpoint, past every check."""
        if self.served() != package:
            parameter = {"ParameterKey": PARAMETER, "ParameterValue": package}
            self.aws.client("cloudformation").update_stack(
                StackName=STACK, UsePreviousTemplate=True, Parameters=[parameter]
            )
            self.aws.wait_for(lambda: self.stack()["StackStatus"], lambda status: status == "UPDATE_COMPLETE")

    def machine(
        self,
        start: str = "Ask for turn",
        *,
        fails: bool = False,
        champion: str | None = None,
        better: bool = False,
        instead: States | None = None,
        asked: Sequence[str] = (),
        **known: Any,
    ) -> dict[str, Any]:
        """The states from `start` on.

        `known` are variables; `fails` lets the smoke test fail; `better` is what another comparison says. `instead` is
        what states that would ask the endpoint assign, `asked` are those that ask all the same.
        """
        known["champion"] = {"packageArn": champion} if champion else None
        states = copy.deepcopy(self.states)
        states["Update endpoint stack"]["Arguments"]["RoleARN"] = ROLE
        hurry(states)
        for name, assigned in (NOT_HERE | (instead or {})).items():
            if name in asked:
                continue
            states[name] = {"Type": "Pass", "Assign": assigned, "Next": states[name]["Next"]}
        if fails:
            failed = {
                "failure": {"state": "Smoke test", "error": "SmokeTestFailed", "cause": "it answers\n  otherwise\n"}
            }
            states["Smoke test"] = {"Type": "Pass", "Assign": failed, "Next": "Withdraw package"}
        verdict = {"accepted": better, "reason": "it counts better" if better else "it counts worse"}
        states["Read champion"] = {
            "Type": "Pass",
            "Assign": {"evaluation": {"release": verdict}},
            "Next": "Good enough?",
        }
        topic = self.aws.client("sns").create_topic(Name="told")["TopicArn"]
        states["Ask for approval"]["Arguments"]["TopicArn"] = topic
        states["Wait for approval"]["Arguments"]["FunctionName"] = FUNCTION
        states["Add up cost of failure"] = {"Type": "Pass", "Next": "Failed"}
        told = {name: f"{{% ${name} %}}" for name in ("decision", "reason", "package")}
        states["Add up cost"] = {"Type": "Pass", "Next": "Summarise"}
        states["Summarise"] = {"Type": "Pass", "Output": told, "End": True}
        states["Known"] = {
            "Type": "Pass",
            "Assign": {"failure": None, "reason": None, "package": None, "champion": None} | known,
            "Next": start,
        }
        return {"StartAt": "Known", "States": _reachable(states, "Known")}

    def entered(self, execution: str) -> list[str]:
        """The states that an execution came to, in order."""
        states = self.aws.client("stepfunctions")
        events = states.get_execution_history(executionArn=execution, maxResults=1000)["events"]
        return [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]

    def run(self, *, package: str | None = None, given: str | None = None, **options: Any) -> dict[str, Any]:
        """One execution to its end: of a new `package`, or of one that the input gives."""
        run = {"input": {"release": {"package": given}}, "report": None}
        return self.aws.execute(self.machine(run=run, package=package, **options))


def _reachable(states: States, start: str) -> States:
    found: States = {}
    ahead = [start]
    while ahead:
        name = ahead.pop()
        if name not in found:
            state = found[name] = states[name]
            others = [*state.get("Choices", ()), *state.get("Catch", ())]
            ahead += [other["Next"] for other in others] + [state[key] for key in ("Next", "Default") if key in state]
    return found
