"""train.py as a job: under AWS's training toolkit, and stopped by a signal."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from synthetic_shards import draw_bin, write_tar

from inference import input_fn, model_fn, predict_fn
from rehearsal.torchvision_on_cpu import FOLDER as TORCHVISION_ON_CPU
from stocktake.failures import JobFailure

CODE = Path(__file__).parents[3] / "training_code"
INTERPRETER = {
    "PYTHONPATH": str(TORCHVISION_ON_CPU),
    "PYTHONDONTWRITEBYTECODE": "1",
    "OMP_NUM_THREADS": "1",
}
SMALL = {
    "architecture": "resnet18",
    "weights": "none",
    "trainable": "all",
    "image-size": "32",
    "labels": "1,2,3",
    "batch-size": '"16"',
    "lr": "1e-3",
    "epochs": "2",
}


class ToolkitJob:
    """A job's /opt/ml and AWS's `train` command over it, as in the training container."""

    def __init__(self, root: Path, channels: dict[str, Path], hyperparameters: dict[str, str]):
        self.root = root
        for folder in ("input/config", "input/data", "model", "output/data", "checkpoints"):
            (root / folder).mkdir(parents=True)
        for name, folder in channels.items():
            (root / "input/data" / name).symlink_to(folder)
        toolkit = {"sagemaker_program": "train.py", "sagemaker_submit_directory": str(CODE)}
        hosts = {
            "current_host": "algo-1",
            "hosts": ["algo-1"],
            "current_instance_group": "homogeneousCluster",
            "instance_groups": [
                {
                    "instance_group_name": "homogeneousCluster",
                    "instance_type": "local",
                    "hosts": ["algo-1"],
                }
            ],
        }
        channel = {"TrainingInputMode": "File"}
        self._configure("hyperparameters", toolkit | hyperparameters)
        self._configure("resourceconfig", hosts)
        self._configure("inputdataconfig", dict.fromkeys(channels, channel))

    def _configure(self, name: str, content: object) -> None:
        (self.root / f"input/config/{name}.json").write_text(json.dumps(content))

    def run(self) -> subprocess.CompletedProcess[str]:
        environment = (
            os.environ
            | {
                "SAGEMAKER_BASE_DIR": str(self.root),
                "SM_STUDIO_LOCAL_MODE": "True",
                "CHECKPOINT_DIR": str(self.root / "checkpoints"),
                "TRAINING_JOB_NAME": "stocktake-1-train",
            }
            | INTERPRETER
        )
        command = [str(Path(sys.executable).with_name("train"))]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def channels(splits: Path) -> dict[str, Path]:
    return {split: splits / split for split in ("train", "valid")}


def test_a_job_under_the_toolkit_leaves_a_model_that_counts(tmp_path: Path, channels: dict[str, Path]) -> None:
    # when
    job = ToolkitJob(tmp_path, channels, SMALL)
    result = job.run()
    # then the log has the metrics, and the last value of each is that of the kept epoch
    assert result.returncode == 0, result.stdout + result.stderr
    accuracies = re.findall(r"validation:accuracy=([0-9.eE+-]+)", result.stdout)
    assert len(accuracies) == 3
    assert accuracies[2] == max(accuracies)
    # and the artifact is complete
    description = json.loads((tmp_path / "model/model.json").read_text())
    assert description["training"]["job"] == "stocktake-1-train"
    assert description["training"]["hyperparameters"]["batch_size"] == 16
    assert [row["epoch"] for row in description["training"]["history"]] == [1, 2]
    assert (tmp_path / "model/config.yaml").exists()
    answer = predict_fn(input_fn(draw_bin(2, seed=1), "image/jpeg"), model_fn(tmp_path / "model"))
    assert answer["count"] in (1, 2, 3)
    assert list((tmp_path / "checkpoints").glob("checkpoint-*.pt"))
    assert (tmp_path / "output/success").exists()


def test_under_the_toolkit_our_sentence_is_the_failure_reason(tmp_path: Path, channels: dict[str, Path]) -> None:
    result = ToolkitJob(tmp_path, {"train": channels["train"]}, SMALL).run()
    assert result.returncode != 0
    assert (tmp_path / "output/failure").read_text() == (
        "The channel 'valid' is missing. Give the job an input channel of that name."
    )


def job_environment(root: Path, channels: dict[str, Path]) -> dict[str, str]:
    for folder in ("model", "output", "checkpoints"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    folders = {f"SM_CHANNEL_{name.upper()}": str(folder) for name, folder in channels.items()}
    return (
        folders
        | {
            "SM_MODEL_DIR": str(root / "model"),
            "SM_OUTPUT_DIR": str(root / "output"),
            "CHECKPOINT_DIR": str(root / "checkpoints"),
        }
        | INTERPRETER
    )


def arguments(**changes: str) -> list[str]:
    values = SMALL | changes
    return [part for name, value in values.items() for part in (f"--{name}", value)]


def test_sigterm_leaves_a_checkpoint_and_says_where_the_run_stopped(tmp_path: Path, channels: dict[str, Path]) -> None:
    # given a job in its second epoch or later
    environment = os.environ | job_environment(tmp_path, channels)
    command = [sys.executable, str(CODE / "train.py"), *arguments(epochs="1000")]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert any(line.startswith("epoch=1 ") for line in process.stdout)
        # when
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
    # then
    reason = (tmp_path / "output/failure").read_text()
    assert process.returncode == 1
    assert re.match(r"Stopped by SIGTERM in epoch \d+ after \d+ batches; a job with the same", reason)
    files = (tmp_path / "checkpoints").glob("checkpoint-*.pt")
    progress = max(map(torch.load, files), key=lambda checkpoint: checkpoint["number"])["state"]["progress"]
    assert f"epoch {progress['epoch']} after {progress['batch']} batches" in reason
    assert not list((tmp_path / "model").iterdir())


def test_a_label_without_a_training_image_is_named(
    tmp_path: Path, channels: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import train

    one = [("a.jpg", draw_bin(1, seed=1)), ("a.json", b'{"id": "a", "count": 1, "group": "g"}')]
    write_tar(tmp_path / "train/train-00000.tar", one)
    for name, value in job_environment(tmp_path, channels | {"train": tmp_path / "train"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.argv", ["train.py", *arguments()])
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with pytest.raises(JobFailure, match="no image with count 2"):
        train.main()


def run_script(script: str, root: Path, channels: dict[str, Path], **hyperparameters: str) -> str:
    """Run an entry point to its end; what it printed."""
    environment = os.environ | job_environment(root, channels)
    command = [sys.executable, str(CODE / script), *arguments(**hyperparameters)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("on_test", [False, True], ids=["validation", "test"])
def test_a_trial_prints_its_objective_last_and_leaves_no_model(
    tmp_path: Path, splits: Path, channels: dict[str, Path], on_test: bool
) -> None:
    # given a trial, with the test channel only when its objective is test accuracy
    given = channels | ({"test": splits / "test"} if on_test else {})
    # when
    printed = run_script("hpo.py", tmp_path, given, trainable="head", epochs="3")
    # then every epoch has its metrics, and the last line is that of the best epoch by validation
    objective = "test:accuracy" if on_test else "validation:accuracy"
    assert len(re.findall(rf"{objective}=[0-9.]+", printed)) == 4
    assert ("test:" in printed) == on_test
    *epochs, best = [line for line in printed.splitlines() if "epoch=" in line]
    accuracies = [float(re.search(r"validation:accuracy=([0-9.]+)", line)[1]) for line in epochs]  # type: ignore[index]
    assert f"validation:accuracy={max(accuracies):.4f}" in best
    assert not list((tmp_path / "model").iterdir())
