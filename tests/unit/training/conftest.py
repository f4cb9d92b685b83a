"""A small dataset and a small model that several tests look at."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from synthetic_shards import LABELS, write_split

from stocktake.model.artifact import ModelDescription, save_artifact
from stocktake.model.network import create_model
from stocktake.model.preprocessing import Preprocessing

HISTORY = [
    {"epoch": epoch, "train:loss": 1 / epoch, "train:accuracy": epoch / 4, "seconds": 1.0}
    | {"validation:loss": 1.2 / epoch, "validation:accuracy": epoch / 5}
    for epoch in (1, 2, 3)
]
TRAINING = {
    "job": None,
    "hyperparameters": {"architecture": "resnet18", "loss": "ordinal", "lr": 0.001, "labels": LABELS},
    "recipe": {
        "keep": "best",
        "average": 0.998,
        "every_count": True,
    },
    "images": {"train": {1: 15, 2: 15, 3: 15}, "valid": {1: 4, 2: 4, 3: 4}},
    "history": HISTORY,
    "best": HISTORY[2],
    "precision": "torch.float32",
    "torch": torch.__version__,
    "utilisation": {"seconds": [0.0, 1.0, 2.0], "cpu": [10.0, 90.0, 50.0], "memory": [40.0, 41.0, 42.0], "gpu": None},
    "rules": {"vanishing_gradient": "NoIssuesFound", "overfit": "IssuesFound", "low_gpu_utilization": "NotEvaluated"},
    "ruleFindings": {"overfit": "The validation loss rose above the training loss in epoch 2."},
    "world": 2,
}


@pytest.fixture(scope="session")
def splits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders train (45 images in two shards), valid (12) and test (24)."""
    folder = tmp_path_factory.mktemp("splits")
    write_split(folder, "train", 45, seed=1, shards=2)
    write_split(folder, "valid", 12, seed=2)
    write_split(folder, "test", 24, seed=3)
    return folder


@pytest.fixture(scope="session")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An unpacked model artifact of an untrained ResNet-18."""
    folder = tmp_path_factory.mktemp("artifact")
    torch.manual_seed(7)
    weights = create_model("resnet18", len(LABELS)).state_dict()
    save_artifact(folder, weights, ModelDescription("resnet18", LABELS, Preprocessing(32), TRAINING))
    return folder


@pytest.fixture(autouse=True, scope="package")
def _one_thread() -> Iterator[None]:
    """Threads that wait for each other crawl on busy cores, and such small networks gain nothing by them."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
