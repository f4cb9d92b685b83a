"""The whole path on a GPU: features, training on them and on photos, going on after a stop, several GPUs.

    .venv/bin/python -m pytest tests/gpu

Without a GPU every test is skipped and says so. Values are not compared with a CPU's, which rounds otherwise: the tests
ask that each step ends, in the number format and on the processes that it should, with numbers.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from rehearsal.torchvision_on_cpu import FOLDER as TORCHVISION_ON_CPU
from stocktake.model.network import fastest_precision
from stocktake.training.device import take, usable_device
from stocktake.training.hyperparameters import Hyperparameters
from stocktake.training.job import create_training, open_training_split
from stocktake.training.recipe import RECIPES, Recipe
from tests.unit.training.synthetic_shards import LABELS, write_split

GPUS = torch.cuda.device_count()
CODE = Path(__file__).parents[2] / "training_code"
RECIPE = {"architecture": "resnet18", "weights": "none", "trainable": "all", "image-size": "64", "labels": "1,2,3"}
RECIPE |= {"batch-size": "16", "lr": "1e-3", "epochs": "2"}

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
with_two_gpus = pytest.mark.skipif(GPUS < 2, reason=f"{GPUS} GPUs here, two are needed")


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders train (91 images in four shards: the last batch holds 11), valid (12) and test (12)."""
    folder = tmp_path_factory.mktemp("shards")
    write_split(folder, "train", 91, seed=1, shards=4)
    write_split(folder, "valid", 12, seed=2)
    write_split(folder, "test", 12, seed=3)
    return folder


def start(root: Path, data: Path, *launcher: str, **changes: str) -> "subprocess.Popen[str]":
    """train.py in a process, or in those of the launcher."""
    for folder in ("model", "output", "checkpoints"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    environment = os.environ | {
        "PYTHONPATH": str(TORCHVISION_ON_CPU),
        "SM_MODEL_DIR": str(root / "model"),
        "SM_OUTPUT_DIR": str(root / "output"),
        "SM_OUTPUT_DATA_DIR": str(root / "output/data"),
        "CHECKPOINT_DIR": str(root / "checkpoints"),
        "SM_CHANNEL_TRAIN": str(data / "train"),
        "SM_CHANNEL_VALID": str(data / "valid"),
    }
    arguments = [part for name, value in (RECIPE | changes).items() for part in (f"--{name}", value)]
    command = [sys.executable, *launcher, str(CODE / "train.py"), *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def trained(root: Path, process: "subprocess.Popen[str]") -> dict[str, object]:
    """What model.json says of a training that has to succeed."""
    said = process.communicate(timeout=300)[0]
    assert process.returncode == 0, said
    training: dict[str, object] = json.loads((root / "model/model.json").read_text())["training"]
    return training


def extract(shards: Path, output: Path, gpus: str) -> dict[str, torch.Tensor]:
    """Run the job on these GPUs (CUDA_VISIBLE_DEVICES); the features by file."""
    command = [sys.executable, str(CODE / "extract_features.py"), "--architecture", "resnet18", "--weights", "none"]
    command += ["--seed", "0", "--image-size", "64", "--input", str(shards), "--output", str(output)]
    environment = os.environ | {"PYTHONPATH": str(TORCHVISION_ON_CPU), "CUDA_VISIBLE_DEVICES": gpus}
    job = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert job.returncode == 0, job.stdout + job.stderr
    return {str(file.relative_to(output)): torch.load(file)["features"] for file in sorted(output.rglob("*.pt"))}


def test_features_of_one_gpu_and_a_head_trained_on_them(shards: Path, tmp_path: Path) -> None:
    features = extract(shards, tmp_path / "features", "0")
    assert len(features) == 6
    for values in features.values():
        assert values.dtype == fastest_precision(torch.device("cuda"))
        assert values.isfinite().all()
    training = trained(tmp_path, start(tmp_path, tmp_path / "features", trainable="head"))
    assert training["precision"] == "torch.float32"


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_whole_network_learns_under_autocast(shards: Path, tmp_path: Path, recipe: str) -> None:
    training = trained(tmp_path, start(tmp_path, shards, recipe=recipe))
    assert training["precision"] == str(fastest_precision(torch.device("cuda")))


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_training_goes_on(shards: Path, tmp_path: Path, ending: signal.Signals) -> None:
    # given a training that has a checkpoint of its first epoch
    process = start(tmp_path, shards, epochs="1000")
    until = time.monotonic() + 240
    while not list((tmp_path / "checkpoints").glob("checkpoint-*.pt")):
        assert time.monotonic() < until
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.05)
    process.send_signal(ending)
    process.communicate(timeout=60)
    # when it is started again, for as many epochs, and stopped again
    again = start(tmp_path, shards, epochs="1000")
    assert again.stdout is not None
    lines = iter(again.stdout.readline, "")
    assert any(line.startswith("resumed epoch=") for line in lines)
    again.terminate()
    again.communicate(timeout=60)
    assert "goes on there" in (tmp_path / "output/failure").read_text()


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_a_step_waits_for_nothing_that_the_gpu_computes(shards: Path, recipe: Recipe) -> None:
    take(device := usable_device())
    asked = Hyperparameters("resnet18", "none", "all", batch_size=16, epochs=2, image_size=64, labels=LABELS)
    splits = {split: open_training_split(split, shards / split, asked, recipe) for split in ("train", "valid")}
    training, _ = create_training(asked, recipe, splits, None, device)
    training._train_one_epoch()  # what is made once a device or a shape
    training.progress.batch = 0
    torch.cuda.set_sync_debug_mode("error")
    try:
        training._train_one_epoch()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert training.progress.totals[2] == 2 * 91


@with_two_gpus
def test_every_gpu_extracts_what_one_does(shards: Path, tmp_path: Path) -> None:
    alone = extract(shards, tmp_path / "one", "0")
    together = extract(shards, tmp_path / "all", ",".join(map(str, range(GPUS))))
    assert list(alone) == list(together)
    for file, values in alone.items():
        assert torch.allclose(values.float(), together[file].float(), rtol=0.02, atol=0.02), file


@with_two_gpus
def test_two_gpus_train_one_network(shards: Path, tmp_path: Path) -> None:
    """91 images in batches of 15 leave one for two processes, which is left out."""
    launcher = ("-m", "torch.distributed.run", "--nproc_per_node", "2")
    training = trained(tmp_path, start(tmp_path, shards, *launcher, **{"batch-size": "15"}))
    assert training["world"] == 2
