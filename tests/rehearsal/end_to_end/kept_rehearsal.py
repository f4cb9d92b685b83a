"""One small rehearsal as a user runs it, kept serving for all tests of this folder; the last of them ends it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal.aws.location import ACCOUNT_ID
from tests.rehearsal.emulator import ROOT, Emulator, client, hurry
from tests.rehearsal.rehearsal_process import RehearsalProcess
from tests.rehearsal.sagemaker.jobs import explanation_of_execution

OPERATORS = "operators"
OPERATOR_POLICY = ROOT / "docs" / "policies" / "operator.json"
SOURCE = "aft-vbi-pds"
"""The public bucket."""
INPUT: dict[str, Any] = {
    "dataset": {"fraction": 1, "imageSize": 32, "split": {"train": 0.5, "valid": 0.25, "test": 0.25}},
    "architectures": ["resnet18"],
    "weights": "none",
    "trainable": "all",
    "hyperparameters": {"learningRate": 0.001, "batchSize": 32, "epochs": 1},
    "tuning": {"enabled": False},
    "training": {"instanceType": "ml.c5.xlarge"},
    # Models of one epoch, whatever they are worth.
    "release": {"minimumAccuracy": 0, "aboveMajority": False, "margin": 1},
}


@dataclass(frozen=True)
class Kept:
    """A rehearsal that goes on serving after its execution."""

    process: RehearsalProcess
    result: dict[str, Any]
    exported: Path
    source: Path

    @property
    def url(self) -> str:
        """The emulated AWS."""
        url: str = self.result["endpoint"]["url"]
        return url.partition("/endpoints/")[0]

    @property
    def machine(self) -> str:
        """ARN of the deployed state machine."""
        return str(self.outputs()["StateMachineArn"])

    def outputs(self) -> dict[str, str]:
        """The outputs of all stacks."""
        stacks = self.client("cloudformation").describe_stacks()["Stacks"]
        return {found["OutputKey"]: found["OutputValue"] for stack in stacks for found in stack.get("Outputs", [])}

    def client(self, service: str) -> Any:
        return client(service, self.url)

    def execute(self, execution_input: Any, awaited: str = "SUCCEEDED") -> dict[str, Any]:
        """Run the deployed state machine to an end with the status `awaited`.

        Returns
        -------
        DescribeExecution's answer and the states it `entered`.
        """
        return self.ended(self.start(execution_input), awaited)

    def start(self, execution_input: Any) -> str:
        """Start the deployed state machine; the execution's ARN."""
        states = self.client("stepfunctions")
        arn: str = states.start_execution(stateMachineArn=self.machine, input=json.dumps(execution_input))[
            "executionArn"
        ]
        return arn

    def wait_until_entered(self, arn: str, state: str) -> None:
        """Stay until an execution comes to a state; fail when it ends before."""
        states = self.client("stepfunctions")

        def entered() -> bool:
            events = states.get_execution_history(executionArn=arn, maxResults=1000)["events"]
            running = states.describe_execution(executionArn=arn)["status"] == "RUNNING"
            found = any(event.get("stateEnteredEventDetails", {}).get("name") == state for event in events)
            assert found or running, explanation_of_execution(self.url, states.describe_execution(executionArn=arn))
            return found

        Emulator.wait_for(entered, bool)

    def ended(self, arn: str, awaited: str = "SUCCEEDED") -> dict[str, Any]:
        """An execution's end, as `execute` returns it."""
        states = self.client("stepfunctions")
        ended: dict[str, Any] = Emulator.wait_for(
            lambda: states.describe_execution(executionArn=arn), lambda answer: answer["status"] != "RUNNING"
        )
        assert ended["status"] == awaited, explanation_of_execution(self.url, ended)
        events = states.get_execution_history(executionArn=arn, maxResults=1000)["events"]
        details = [event["stateEnteredEventDetails"] for event in events if "stateEnteredEventDetails" in event]
        return ended | {"entered": [detail["name"] for detail in details]}

    def shorten_waits(self) -> None:
        """Let the deployed machine wait as briefly as tests do."""
        states = self.client("stepfunctions")
        definition = json.loads(states.describe_state_machine(stateMachineArn=self.machine)["definition"])
        hurry(definition["States"])
        states.update_state_machine(stateMachineArn=self.machine, definition=json.dumps(definition))

    def environment(self) -> dict[str, str]:
        """The variables that the rehearsal prints, among this process's own."""
        return os.environ | {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "rehearsal",
            "AWS_SECRET_ACCESS_KEY": "rehearsal",
            "NO_PROXY": "localhost",
        }

    def as_operator(self) -> dict[str, str]:
        """The same of somebody who has the permissions that docs/security.md gives to people, and no others."""
        iam, name = self.client("iam"), OPERATORS
        trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT_ID}, "Action": "sts:AssumeRole"}
        with suppress(iam.exceptions.EntityAlreadyExistsException):
            document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)
        iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=OPERATOR_POLICY.read_text())
        arn = iam.get_role(RoleName=name)["Role"]["Arn"]
        made = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="somebody")["Credentials"]
        return self.environment() | {
            "AWS_ACCESS_KEY_ID": made["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"],
            "AWS_SESSION_TOKEN": made["SessionToken"],
        }

    def dismiss_operators(self) -> None:
        """Leave no role that was not deployed."""
        iam = self.client("iam")
        with suppress(iam.exceptions.NoSuchEntityException):
            iam.delete_role_policy(RoleName=OPERATORS, PolicyName=OPERATORS)
            iam.delete_role(RoleName=OPERATORS)

    def console(self, *arguments: str) -> subprocess.Popen[str]:
        """A command for people."""
        command = [sys.executable, "-m", "console", *arguments]
        return subprocess.Popen(
            command, cwd=ROOT, env=self.as_operator(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def first_execution(self) -> dict[str, Any]:
        """The rehearsal's own execution, as ListExecutions has it."""
        states = self.client("stepfunctions")
        executions = states.list_executions(stateMachineArn=self.machine)["executions"]
        (first,) = [execution for execution in executions if execution["name"].startswith("rehearsal-")]
        found: dict[str, Any] = first
        return found

    def explanation(self) -> str:
        """How the rehearsal's own execution ended, and its jobs."""
        arn = self.first_execution()["executionArn"]
        return explanation_of_execution(self.url, self.client("stepfunctions").describe_execution(executionArn=arn))

    def change_artifact(self, uri: str, key: str, name: str, change: Callable[[bytes], bytes]) -> str:
        """A copy of a model artifact under `key` in its bucket, with another content of the file `name`; its URI."""
        bucket, _, original_key = uri.removeprefix("s3://").partition("/")
        s3, packed = self.client("s3"), io.BytesIO()
        with (
            tarfile.open(fileobj=io.BytesIO(s3.get_object(Bucket=bucket, Key=original_key)["Body"].read())) as original,
            tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as archive,
        ):
            for member in original.getmembers():
                file = original.extractfile(member)
                content = file.read() if file else b""
                if Path(member.name).name == name:
                    content = change(content)
                    member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        s3.put_object(Bucket=bucket, Key=key, Body=packed.getvalue())
        return f"s3://{bucket}/{key}"

    def photo(self) -> bytes:
        """A photo of the test split."""
        return next((self.exported / "reports").glob("*/samples/*.jpg")).read_bytes()

    def ask(self, photo: bytes) -> dict[str, Any]:
        answer = self.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=self.result["endpoint"]["name"], ContentType="image/jpeg", Body=photo
        )
        parsed: dict[str, Any] = json.loads(answer["Body"].read())
        return parsed
