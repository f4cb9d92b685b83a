"""The evaluation job with a champion beside the model."""

import json
import math
import tarfile
from pathlib import Path
from typing import Any

import pytest
import torch
from synthetic_shards import LABELS
from test_evaluate_job import run

import evaluate
from stocktake.data.shards import ShardDataset
from stocktake.model.artifact import ModelDescription, save_artifact
from stocktake.model.network import create_model
from stocktake.model.preprocessing import Preprocessing

PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/stocktake/1"
HISTORY = [{"epoch": 1, "train:loss": 1.0, "validation:loss": 1.0, "validation:accuracy": 0.3}]
TRAINING = {"job": None, "hyperparameters": {}, "images": {}, "history": HISTORY, "best": HISTORY[0]}
TRAINING |= {"precision": "torch.float32", "torch": torch.__version__}


def packed(artifact: Path, folder: Path) -> Path:
    folder.mkdir(parents=True)
    with tarfile.open(folder / "model.tar.gz", "w:gz", compresslevel=1) as archive:
        archive.add(artifact, arcname=".")
    return folder


def always(
    answer: int, folder: Path, labels: tuple[int, ...] = LABELS, image_size: int = 32, temperature: float = 1.0
) -> Path:
    """An unpacked artifact of a model that answers every photo with the same count."""
    network = create_model("mobilenet_v2", len(labels))
    folder.mkdir(parents=True)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()  # packs quickly
        *_, bias = network.parameters()
        bias.copy_(torch.tensor([3.0 if label == answer else 0.0 for label in labels]))
    description = ModelDescription("mobilenet_v2", labels, Preprocessing(image_size), TRAINING, temperature=temperature)
    save_artifact(folder, network.state_dict(), description)
    return folder


@pytest.fixture(scope="module")
def always_one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a champion that always answers 1, made for larger photos than the tests' others."""
    folder = tmp_path_factory.mktemp("always_one")
    return packed(always(1, folder / "unpacked", image_size=48), folder / "packed")


def against(champion: Path, splits: Path, bins: Path | None) -> dict[str, Any]:
    """The comparison for a model that always answers 2; of 24 test images eight each have one, two and three items."""
    test = ShardDataset("test", splits / "test", LABELS, Preprocessing(32))
    rows = [{"count": sample.count, "predicted": 2, "expected": 2.0} for sample in test.samples]
    return evaluate.against_champion(evaluate.Champion(PACKAGE, champion, bins), splits / "test", test, rows)


def listed(folder: Path, train: dict[str, list[str]], valid: dict[str, list[str]]) -> Path:
    """The folder of a dataset's list of bins."""
    (folder / "splits.json").write_text(json.dumps({"train": train, "valid": valid}))
    return folder


def test_the_job_rejects_a_worse_model_with_the_paired_figures(splits: Path, tmp_path: Path) -> None:
    # given a model that always answers 2, and a champion that always answers 3 and has seen an image with two items
    (tmp_path / "output").mkdir()
    packed(always(2, tmp_path / "model", temperature=4.0), tmp_path / "processing/input/model")
    champion = packed(always(3, tmp_path / "other", temperature=0.5), tmp_path / "champion")
    bins = listed(tmp_path, {"test0001": ["test0001"]}, {})
    # when
    run(tmp_path, splits / "test", champion=champion, champion_package=PACKAGE, champion_bins=bins)
    # then of the images that remain the champion has eight right and the model seven; its own figures are of all
    output = tmp_path / "processing/output"
    metrics = json.loads((output / "metrics.json").read_text())
    found = metrics["champion"]
    assert (found["packageArn"], found["comparable"], found["leftOut"], found["images"]) == (PACKAGE, True, 1, 23)
    assert found["difference"]["accuracy"]["estimate"] == pytest.approx(-1 / 23)
    assert (metrics["images"], metrics["accuracy"]) == (24, pytest.approx(1 / 3))
    # ... so the model is not good enough, and the report says so
    assert metrics["release"]["accepted"] is False
    assert "against the champion's 0.3478 on 23 test images" in metrics["release"]["reason"]
    assert "Champion and challenger" in (output / "report.html").read_text()
    # ... and each is as sure as its own temperature makes it: e**(3 / T) to one of two others, right of 8 in 23 and 24
    for of, temperature, right in ((found, 0.5, 8 / 23), (metrics, 4.0, 8 / 24)):
        surest = {T: math.exp(3 / T) / (math.exp(3 / T) + 2) for T in (1.0, temperature)}
        assert of["calibration"]["temperature"] == temperature
        assert of["calibration"]["expectedError"]["before"] == pytest.approx(surest[1.0] - right, abs=1e-5)
        assert of["calibration"]["expectedError"]["after"] == pytest.approx(surest[temperature] - right, abs=1e-5)


def test_both_models_are_measured_on_the_same_images(always_one: Path, splits: Path, tmp_path: Path) -> None:
    found = against(always_one, splits, listed(tmp_path, {"other": ["other"]}, {}))
    # each is right of a third, never on the same images
    assert (found["images"], found["groups"], found["leftOut"]) == (24, 24, 0)
    assert found["challenger"]["accuracy"] == found["champion"]["accuracy"] == pytest.approx(1 / 3)
    assert (found["challenger"]["withinOne"], found["champion"]["withinOne"]) == (1, pytest.approx(2 / 3))
    assert (found["mcnemar"]["onlyChallenger"], found["mcnemar"]["onlyChampion"]) == (8, 8)


def test_images_that_the_champion_has_seen_are_left_out_for_both(
    always_one: Path, splits: Path, tmp_path: Path
) -> None:
    # given a champion trained on test0000, with one item, and validated on a bin that is linked to test0001, with two
    found = against(always_one, splits, listed(tmp_path, {"test0000": ["test0000"]}, {"g1": ["before"]}))
    # then neither counts, and of the rest each model has seven right
    assert (found["images"], found["leftOut"]) == (22, 2)
    assert found["challenger"]["accuracy"] == found["champion"]["accuracy"] == pytest.approx(7 / 22)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("labels", "it tells the counts 1 to 4 apart, and this model 1 to 3"),
        ("no list", "its dataset has no list of the bins that it was trained on"),
        (
            "seen",
            "20 of 24 test images are of bins that it was trained on or of their groups, which leaves 4, and",
        ),
        ("broken", "its model cannot be loaded (ReadError: "),
        ("absent", "its model cannot be loaded (JobFailure: There is no model.tar.gz in "),
    ],
)
def test_why_there_is_no_comparison_is_said_by_name(
    always_one: Path, splits: Path, tmp_path: Path, fault: str, reason: str
) -> None:
    # given
    champion, bins = always_one, listed(tmp_path, {}, {})
    if fault == "labels":
        champion = packed(always(1, tmp_path / "other", labels=(1, 2, 3, 4)), tmp_path / "champion")
    elif fault == "no list":
        bins = tmp_path / "no list"
    elif fault == "seen":
        bins = listed(tmp_path, {f"g{place}": ["another"] for place in range(20)}, {})
    else:
        champion = tmp_path / "champion"
        champion.mkdir()
        if fault == "broken":
            (champion / "model.tar.gz").write_bytes(b"no archive")
    # when
    found = against(champion, splits, bins)
    # then
    assert found["comparable"] is False
    assert found["reason"].startswith(reason)
    assert found["packageArn"] == PACKAGE
    assert found["leftOut"] == {"seen": 20}.get(fault)
