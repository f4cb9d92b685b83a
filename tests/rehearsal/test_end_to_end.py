"""One small rehearsal as a user runs it: from photos to the served model, again with the same dataset, and its end."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from rehearsal.bins import write_bins
from tests.rehearsal.emulator import Emulator
from tests.rehearsal.rehearsal_process import RehearsalProcess, running_rehearsal

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds processes by /proc"),
]

INPUT = {
    "dataset": {"fraction": 1, "imageSize": 32, "split": {"train": 0.5, "valid": 0.25, "test": 0.25}},
    "architectures": ["resnet18"],
    "weights": "none",
    "trainable": "all",
    "hyperparameters": {"learningRate": 0.001, "batchSize": 32, "epochs": 1},
    "training": {"instanceType": "ml.c5.xlarge"},
    "release": {"minimumAccuracy": 0},
}
BUILD = {"Catalogue", "Split", "Pack", "Seal"}


@dataclass(frozen=True)
class Kept:
    """A rehearsal that goes on serving after its execution."""

    process: RehearsalProcess
    result: dict[str, Any]
    exported: Path

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.result["endpoint"]["url"].partition("/endpoints/")[0],
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def ask(self, photo: bytes) -> dict[str, Any]:
        answer = self.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=self.result["endpoint"]["name"], ContentType="image/jpeg", Body=photo
        )
        parsed: dict[str, Any] = json.loads(answer["Body"].read())
        return parsed


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    folder = tmp_path_factory.mktemp("end_to_end")
    write_bins(folder / "bins", count=150, seed=1)
    (folder / "input.json").write_text(json.dumps(INPUT))
    options = {"source": "bins", "input": "input.json", "result": "result.json", "export": "exported"}
    arguments = [text for option, name in options.items() for text in (f"--{option}", str(folder / name))]
    with running_rehearsal(folder / "output", *arguments, "--keep") as process:
        process.wait_until_it_says("Everything goes on serving")
        yield Kept(process, json.loads((folder / "result.json").read_text()), folder / "exported")


def test_the_execution_succeeds_with_the_contract_of_the_output(kept: Kept) -> None:
    result, output = kept.result, kept.result["output"]
    assert result["status"] == "SUCCEEDED"
    assert BUILD | {"Plan", "Train", "Evaluate"} <= set(result["seconds"])
    assert set(output) >= {"dataset", "tuning", "training", "evaluation", "decision", "model", "endpoint", "cost"}
    low, high = output["evaluation"]["interval"]
    assert low <= output["evaluation"]["accuracy"] <= high
    assert output["decision"] == "deployed"
    # the bins that nobody can use were told apart from the rest
    assert sum(output["dataset"]["rejected"].values()) >= 5


def test_the_endpoint_answers_as_the_evaluation_did(kept: Kept) -> None:
    # given the evaluation's predictions and the photos that it kept
    report = next((kept.exported / "reports").iterdir())
    expected = {row["id"]: row for row in map(json.loads, (report / "predictions.jsonl").read_text().splitlines())}
    samples = sorted((report / "samples").iterdir())[:10]
    assert samples
    # when the live endpoint is asked about the same photos
    for sample in samples:
        answer = kept.ask(sample.read_bytes())
        # then it gives the same probabilities, and names the model that the execution registered
        assert answer["probabilities"] == pytest.approx(expected[sample.stem]["probabilities"], abs=1e-4)
        assert answer["model"] == kept.result["output"]["model"]["packageArn"]


def test_a_second_execution_reuses_the_dataset_and_serves_its_own_model(kept: Kept) -> None:
    # given an execution with another learning rate and the same dataset
    states = kept.client("stepfunctions")
    machine = states.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    changed = INPUT | {"hyperparameters": INPUT["hyperparameters"] | {"learningRate": 0.0001}}  # type: ignore[operator]
    execution = states.start_execution(stateMachineArn=machine, input=json.dumps(changed))["executionArn"]
    # when it has ended
    ended = Emulator.wait_for(
        lambda: states.describe_execution(executionArn=execution), lambda answer: answer["status"] != "RUNNING", 400
    )
    # then no data state ran again, and the same endpoint serves the new model
    assert ended["status"] == "SUCCEEDED", ended
    events = states.get_execution_history(executionArn=execution, maxResults=1000)["events"]
    entered = {event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event}
    assert not BUILD & entered
    package = json.loads(ended["output"])["model"]["packageArn"]
    photo = next((kept.exported / "reports").glob("*/samples/*.jpg")).read_bytes()
    assert package != kept.result["output"]["model"]["packageArn"]
    assert kept.ask(photo)["model"] == package


def test_an_interrupt_ends_what_was_kept(kept: Kept) -> None:
    # given a rehearsal that serves, when the user has seen enough (the last test: it ends what the others use)
    kept.process.process.send_signal(signal.SIGINT)
    # then it ends as the success that it was, and leaves no process
    kept.process.wait_until_all_ended()
    assert kept.process.process.returncode == 0
