"""Comparing, tuning, several instances and interruptions, through the deployed state machine."""

from __future__ import annotations

import io
import json
import os
import signal
import tarfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.rehearsal.emulator import PATIENCE
from tests.rehearsal.end_to_end.kept_rehearsal import INPUT, Kept

HEAD: dict[str, Any] = INPUT | {
    "trainable": "head",
    "hyperparameters": {"learningRate": 0.01, "batchSize": 32, "epochs": 3},
}


def output(ended: dict[str, Any]) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(ended["output"])
    return parsed


def read(kept: Kept, uri: str) -> bytes:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    body: bytes = kept.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return body


def trained(kept: Kept, output: dict[str, Any]) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """The weights of an execution's model, and how it was trained."""
    with tarfile.open(fileobj=io.BytesIO(read(kept, output["training"]["modelArtifact"]))) as archive:
        files = {name: archive.extractfile(name) for name in ("model.pt", "model.json")}
        assert files["model.pt"] is not None
        assert files["model.json"] is not None
        weights: dict[str, torch.Tensor] = torch.load(io.BytesIO(files["model.pt"].read()))
        return weights, json.load(files["model.json"])["training"]


@pytest.fixture(scope="module")
def tuned(kept: Kept) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two architectures compared, the better one tuned and trained: how it ended, and its output."""
    tuning = {"enabled": True, "maxJobs": 4, "parallelJobs": 2, "ranges": {"batchSize": [16, 32], "epochs": [2, 4]}}
    ended = kept.execute(HEAD | {"architectures": ["resnet18", "resnet34"], "tuning": tuning, "seed": 0})
    return ended, output(ended)


def test_the_better_architecture_is_tuned_and_trained_with_the_best_values(
    kept: Kept, tuned: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    ended, result = tuned
    # the comparison: both at the defaults, the better by validation accuracy carried on
    compared = {candidate["architecture"]: candidate["validationAccuracy"] for candidate in result["comparison"]}
    assert set(compared) == {"resnet18", "resnet34"}
    assert compared[result["training"]["architecture"]] == max(compared.values())
    # the tuning: four real trials, of which the best values were trained
    tuning = result["tuning"]
    assert tuning["trials"] == 4
    assert tuning["selectedOnTest"] is False
    _, training = trained(kept, result)
    best, used = tuning["bestHyperparameters"], training["hyperparameters"]
    assert (used["lr"], used["batch_size"], used["epochs"]) == (
        pytest.approx(best["learningRate"]),
        best["batchSize"],
        best["epochs"],
    )
    # the same recipe on the same features again: what the best trial reached
    assert result["training"]["validationAccuracy"] == pytest.approx(tuning["objective"], abs=1e-4)
    trials = json.loads(read(kept, result["evaluation"]["reportUri"].replace("report.html", "tuning/trials.json")))
    assert max(trial["objective"] for trial in trials["trials"]) == tuning["objective"]
    assert {trial["hyperparameters"]["batchSize"] for trial in trials["trials"]} <= {16, 32}
    # every job's seconds are in the cost
    seconds = tuning["trainingSeconds"] + result["training"]["trainingSeconds"]
    seconds += sum(candidate["trainingSeconds"] for candidate in result["comparison"])
    assert result["cost"]["trainingSeconds"] == seconds
    assert "Extract features" in ended["entered"]


def test_the_report_shows_the_tuning_and_the_rules(kept: Kept, tuned: tuple[dict[str, Any], dict[str, Any]]) -> None:
    report = read(kept, tuned[1]["evaluation"]["reportUri"]).decode()
    assert "Tuning" in report
    for rule in ("overfit", "vanishing gradient"):
        assert rule in report


def test_the_rules_statuses_are_in_the_output(tuned: tuple[dict[str, Any], dict[str, Any]]) -> None:
    rules = tuned[1]["training"]["rules"]
    assert set(rules) >= {"vanishing_gradient", "overfit", "overtraining", "poor_weight_initialization"}
    # so short a training has losses to look at, a head has no ReLU, and this machine no GPU
    assert rules["vanishing_gradient"] in {"NoIssuesFound", "IssuesFound"}
    assert rules["poor_weight_initialization"] == "NotEvaluated"
    assert rules["low_gpu_utilization"] == "NotEvaluated"


def test_two_instances_train_to_the_result_of_one_on_features_that_are_there_already(
    kept: Kept, tuned: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    # when the same training runs on one instance and on two
    asked = HEAD | {"architectures": ["resnet18"], "hyperparameters": HEAD["hyperparameters"] | {"batchSize": 30}}
    runs = [
        kept.execute(asked | {"training": INPUT["training"] | {"instanceCount": instances}}) for instances in (1, 2)
    ]
    # then the features of before are used, and the two give the same
    (one, alone), (two, together) = (trained(kept, output(run)) for run in runs)
    assert [run["entered"].count("Extract candidate") for run in runs] == [0, 0]
    assert (alone["world"], together["world"]) == (1, 2)
    for name, value in one.items():
        assert torch.allclose(value.double(), two[name].double(), rtol=0, atol=1e-5), name
    for here, there in zip(alone["history"], together["history"], strict=True):
        assert here["validation:loss"] == pytest.approx(there["validation:loss"], abs=1e-5)
        assert here["validation:accuracy"] == there["validation:accuracy"]


class Killer(threading.Thread):
    """Kills a training job's processes, as the loss of its spot instance would, once it has kept so many epochs."""

    def __init__(self, kept: Kept, epochs: int):
        super().__init__(daemon=True)
        self._kept, self._epochs, self.killed = kept, epochs, 0

    def run(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self.killed and time.monotonic() < deadline:
            for process in self._kept.process.processes():
                log = self._log(process)
                if log and f"epoch={self._epochs} " in log.read_text() and self._is_in_s3():
                    os.killpg(os.getpgid(process), signal.SIGKILL)
                    self.killed = process
                    return
            time.sleep(0.1)

    def _is_in_s3(self) -> bool:
        """Whether a checkpoint of the job that runs has been carried away."""
        sagemaker, s3 = self._kept.client("sagemaker"), self._kept.client("s3")
        for job in sagemaker.list_training_jobs(StatusEquals="InProgress")["TrainingJobSummaries"]:
            described = sagemaker.describe_training_job(TrainingJobName=job["TrainingJobName"])
            bucket, _, prefix = described["CheckpointConfig"]["S3Uri"].removeprefix("s3://").partition("/")
            if s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents"):
                return True
        return False

    @staticmethod
    def _log(process: int) -> Path | None:
        """The log of the training job's host that a process is the toolkit of, if it is one."""
        try:
            command = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
            content = Path(f"/proc/{process}/environ").read_bytes()
        except OSError:
            return None
        variables = dict(item.split(b"=", 1) for item in content.split(b"\0") if b"=" in item)
        folder = variables.get(b"SAGEMAKER_BASE_DIR")
        is_script = any(part.endswith(b"train.py") for part in command)
        log = Path(folder.decode(), "log") if folder and is_script else None
        return log if log and log.exists() else None


def test_a_training_whose_instance_is_lost_resumes_and_ends_with_identical_weights(kept: Kept) -> None:
    # given a training on a spot instance, undisturbed, of a small network: its checkpoints go to S3 again and again
    asked = INPUT | {
        "architectures": ["mobilenet_v2"],
        "hyperparameters": {"learningRate": 0.001, "batchSize": 8, "epochs": 8},
        "training": INPUT["training"] | {"spot": True},
    }
    undisturbed, _ = trained(kept, output(kept.execute(asked)))
    # when the instance of the same training is lost after some epochs
    killer = Killer(kept, epochs=2)
    killer.start()
    interrupted = output(kept.execute(asked))
    killer.join(1)
    # then SageMaker starts it again, and it ends as if nothing had happened
    assert killer.killed
    job = kept.client("sagemaker").describe_training_job(TrainingJobName=interrupted["training"]["jobName"])
    assert "Interrupted" in [transition["Status"] for transition in job["SecondaryStatusTransitions"]]
    resumed, _ = trained(kept, interrupted)
    for name, value in undisturbed.items():
        assert torch.equal(value, resumed[name]), name


def test_training_goes_on_from_the_model_that_is_live(kept: Kept) -> None:
    # given the artifact of the model that the first execution trained
    champion = kept.result["output"]["training"]["modelArtifact"]
    before, _ = trained(kept, kept.result["output"])
    # when a new one starts from it and hardly learns
    asked = HEAD | {"weights": champion, "hyperparameters": {"learningRate": 1e-7, "batchSize": 32, "epochs": 1}}
    after, _ = trained(kept, output(kept.execute(asked)))
    # then trunk and head are the champion's, but for that little
    for name, value in before.items():
        assert torch.allclose(value.double(), after[name].double(), rtol=0, atol=1e-4), name
