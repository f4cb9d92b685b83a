"""One small rehearsal as a user runs it, kept serving for all tests of this folder; the last of them ends it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.rehearsal.emulator import Emulator, client
from tests.rehearsal.rehearsal_process import RehearsalProcess
from tests.rehearsal.sagemaker.jobs import explanation_of_execution

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

    def client(self, service: str) -> Any:
        return client(service, self.url)

    def execute(self, execution_input: Any, awaited: str = "SUCCEEDED") -> dict[str, Any]:
        """Run the deployed state machine to an end with the status `awaited`.

        Returns
        -------
        DescribeExecution's answer and the states it `entered`.
        """
        states = self.client("stepfunctions")
        (machine,) = states.list_state_machines()["stateMachines"]
        arn = states.start_execution(stateMachineArn=machine["stateMachineArn"], input=json.dumps(execution_input))[
            "executionArn"
        ]
        ended: dict[str, Any] = Emulator.wait_for(
            lambda: states.describe_execution(executionArn=arn), lambda answer: answer["status"] != "RUNNING"
        )
        assert ended["status"] == awaited, explanation_of_execution(self.url, ended)
        events = states.get_execution_history(executionArn=arn, maxResults=1000)["events"]
        details = [event["stateEnteredEventDetails"] for event in events if "stateEnteredEventDetails" in event]
        return ended | {"entered": [detail["name"] for detail in details]}

    def explanation(self) -> str:
        """How the rehearsal's own execution ended, and its jobs."""
        states = self.client("stepfunctions")
        (machine,) = states.list_state_machines()["stateMachines"]
        executions = states.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
        (first,) = [execution for execution in executions if execution["name"].startswith("rehearsal-")]
        answer = states.describe_execution(executionArn=first["executionArn"])
        return explanation_of_execution(self.url, answer)

    def photo(self) -> bytes:
        """A photo of the test split."""
        return next((self.exported / "reports").glob("*/samples/*.jpg")).read_bytes()

    def ask(self, photo: bytes) -> dict[str, Any]:
        answer = self.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=self.result["endpoint"]["name"], ContentType="image/jpeg", Body=photo
        )
        parsed: dict[str, Any] = json.loads(answer["Body"].read())
        return parsed
