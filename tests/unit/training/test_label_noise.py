"""Training bins whose label is probably wrong come first, and the model that is served is what it was."""

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import TRAINING
from test_report import METRICS
from torch import Tensor

import train
from stocktake.data.features import FeatureDataset
from stocktake.failures import JobFailure
from stocktake.model.artifact import ModelDescription
from stocktake.model.preprocessing import Preprocessing
from stocktake.model.tensor_files import read_tensors, write_tensors
from stocktake.report.page import sections
from stocktake.training.distributed import World
from stocktake.training.hyperparameters import Hyperparameters
from stocktake.training.job import Job, prepare
from stocktake.training.label_noise import TOP, assign_folds, find_label_noise, score

LABELS = (1, 2, 3)
IMAGES, SWAPPED = 600, 30
ASKED = {"architecture": "mobilenet_v2", "weights": "none", "trainable": "head"}
ASKED |= {"lr": "0.01", "batch-size": "64", "epochs": "3", "labels": "1,2,3", "seed": "3"}
HYPERPARAMETERS = Hyperparameters("mobilenet_v2", "none", "head", lr=0.01, batch_size=64, epochs=3, labels=LABELS)


def write_features(folder: Path, split: str, images: int, swapped: int = 0, views: int = 1) -> None:
    """Features that tell the count, in groups of two; the first of each of some groups have another label."""
    generator = torch.Generator().manual_seed(len(split))
    centres = torch.randn(len(LABELS), 1280, generator=torch.Generator().manual_seed(1))
    counts = torch.arange(images) // 2 % len(LABELS)
    features = 0.15 * centres[counts] + torch.randn(images, 1280, generator=generator)
    labels = counts.clone()
    labels[: 2 * swapped : 2] = (labels[: 2 * swapped : 2] + 1) % len(LABELS)
    content = {
        "architecture": "mobilenet_v2",
        "ids": [f"{split}{place:03d}" for place in range(images)],
        "counts": [LABELS[place] for place in labels.tolist()],
        "groups": [f"{split}{place // 2}" for place in range(images)],
        "features": features[:, None].expand(-1, views, -1).contiguous(),
    }
    (folder / split).mkdir(parents=True)
    write_tensors(folder / split / f"{split}-00000.pt", content)


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("features")
    write_features(folder, "train", IMAGES, SWAPPED, views=2)
    write_features(folder, "valid", 60)
    return folder


@pytest.fixture
def job(features: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A job that has the features as its channels."""
    for split in ("train", "valid"):
        monkeypatch.setenv(f"SM_CHANNEL_{split.upper()}", str(features / split))
    return prepare(HYPERPARAMETERS, World())


@pytest.fixture
def trained(features: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Path]:
    """Runs train.py with so many folds; the result is the model's folder, beside which lies its output."""
    for split in ("train", "valid"):
        monkeypatch.setenv(f"SM_CHANNEL_{split.upper()}", str(features / split))
    monkeypatch.setattr(train, "termination_flag", lambda: lambda: False)

    def trained(folds: int) -> Path:
        folder = tmp_path / str(folds)
        (folder / "model").mkdir(parents=True)
        monkeypatch.setenv("SM_MODEL_DIR", str(folder / "model"))
        monkeypatch.setattr(train, "OUTPUT_DATA_FOLDER", folder / "output")
        given = ASKED | {"label-noise-folds": str(folds)}
        monkeypatch.setattr("sys.argv", ["train.py", *(part for name in given for part in (f"--{name}", given[name]))])
        train.main()
        return folder / "model"

    return trained


def test_swapped_labels_come_first_and_the_served_model_stays_as_it_is(
    trained: Callable[[int], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    # Given a job that looks for nothing
    without = trained(0)
    log = capsys.readouterr().out
    # When the same one looks for wrong labels
    found = trained(5)
    # Then its model is the same, bit for bit, and so are the metrics that its log tells
    before, after = (read_tensors(folder / "model.pt") for folder in (without, found))
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    described, was = (json.loads((folder / "model.json").read_text()) for folder in (found, without))
    assert described["temperature"] == was["temperature"]
    measured = [line.partition(" seconds")[0] for line in capsys.readouterr().out.splitlines() if "accuracy=" in line]
    assert measured == [line.partition(" seconds")[0] for line in log.splitlines() if "accuracy=" in line]
    # and every training image is in the list once, the swapped ones far more often at its top than one in twenty
    rows = list(csv.DictReader((found.parent / "output/label_noise.csv").open()))
    assert sorted(row["id"] for row in rows) == [f"train{place:03d}" for place in range(IMAGES)]
    swapped = {f"train{place:03d}" for place in range(0, 2 * SWAPPED, 2)}
    assert sum(row["id"] in swapped for row in rows[:SWAPPED]) >= 0.7 * SWAPPED
    scores = [float(row["doubt"]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    # and the model's description has the top of it
    noise = described["training"]["labelNoise"]
    assert [row["id"] for row in noise["top"]] == [row["id"] for row in rows[:TOP]]
    assert sum(of["images"] for of in noise["counts"]) == IMAGES
    # and without nothing is told
    assert was["training"]["labelNoise"] is None
    assert not (without.parent / "output/label_noise.csv").exists()


def test_a_group_is_never_divided_and_every_image_is_in_one_fold(job: Job) -> None:
    folds = assign_folds(job, 4)
    train_split = job.splits["train"]
    assert isinstance(train_split, FeatureDataset)
    assert sorted(place for fold in folds for place in fold) == list(range(IMAGES))
    groups = [{train_split.groups[place] for place in fold} for fold in folds]
    assert sum(map(len, groups)) == len(set(train_split.groups))
    assert max(map(len, folds)) - min(map(len, folds)) <= 2
    assert assign_folds(job, 4) == folds


def test_a_fold_is_answered_by_a_head_that_has_not_seen_it(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given what each head learns from and answers
    seen: list[tuple[set[str], set[str]]] = []

    class Watched:
        def __init__(self, train_split: FeatureDataset):
            self.train = train_split

        def fit(self, *_: object) -> None: ...

        def answer(self, split: FeatureDataset) -> tuple[Tensor, Tensor]:
            seen.append((set(self.train.groups), set(split.groups)))
            return torch.zeros(len(split), len(LABELS), dtype=torch.float64), torch.zeros(len(split), dtype=torch.long)

    monkeypatch.setattr(
        "stocktake.training.label_noise.create_training", lambda _h, _r, splits, *_: (Watched(splits["train"]), None)
    )
    # When
    find_label_noise(job, assign_folds(job, 3), lambda: False)
    # Then none has learned from a group of its fold, and from all others
    assert len(seen) == 3
    for learned, answered in seen:
        assert not learned & answered
        assert len(learned | answered) == IMAGES // 2


def test_a_part_of_the_features_has_its_own_images(job: Job) -> None:
    whole = job.splits["train"]
    assert isinstance(whole, FeatureDataset)
    [(rows, targets)] = whole.load([[(7, True), (400, False)]])
    part = whole.part([400, 3, 7]).part([2, 0])
    [(same_rows, same_targets)] = part.load([[(0, True), (1, False)]])
    assert torch.equal(rows, same_rows)
    assert torch.equal(targets, same_targets)
    assert part.ids == ["train007", "train400"]


def test_bins_are_ranked_by_their_doubt_and_the_likeliest_count_is_told() -> None:
    # Given bins of two counts, answered with 0.9 and 0.8 for their labels, and two that look like the other count
    of_label = torch.tensor([0.9] * 10 + [0.8] * 10 + [0.05, 0.45], dtype=torch.float64)
    positions = torch.tensor([0] * 10 + [1] * 10 + [0, 0])
    log_p = torch.where(
        torch.nn.functional.one_hot(positions).bool(), of_label[:, None].log(), (1 - of_label[:, None]).log()
    )
    noise = score(log_p, positions, [str(place) for place in range(22)], (3, 4), folds=2)
    # Then these two come first
    first, second = noise.suspects[:2]
    assert (first.id, first.rank, first.label, first.likeliest) == ("20", 1, 3, 4)
    assert (second.id, second.rank, second.likeliest) == ("21", 2, 4)
    assert noise.summary()["counts"][0] == {"count": 3, "images": 12, "likelierOther": 2}


def test_what_cannot_be_looked_at_is_refused_before_the_training(job: Job) -> None:
    with pytest.raises(JobFailure, match=r"is 301, but the training images are of 300 groups of linked bins"):
        assign_folds(job, 301)
    photos = replace(job, splits={"train": object()})  # type: ignore[dict-item]
    with pytest.raises(JobFailure, match=r"a head that learns from features only\. Give features and trainable head"):
        assign_folds(photos, 5)


def test_an_interruption_ends_it_with_a_sentence(job: Job) -> None:
    with pytest.raises(JobFailure, match=r"Stopped by SIGTERM while looking for wrong labels; .* looks for them again"):
        find_label_noise(job, assign_folds(job, 2), lambda: True)


def test_the_report_names_the_bins_and_is_silent_where_nobody_looked() -> None:
    top = [{"rank": 1, "id": "00317", "label": 2, "doubt": 0.987, "likeliest": 4}]
    counts = [{"count": 2, "images": 1234, "likelierOther": 56}]
    noise = {"folds": 5, "temperature": 1.5, "counts": counts, "top": top}
    assert "label_noise" not in shown({})
    section = shown({"labelNoise": noise})["label_noise"]
    assert "Labels that are probably wrong" in section
    for told in ("5 further heads", "1,234", "00317", "98.7%", "dataset.leaveOut"):
        assert told in section


def shown(training: dict[str, Any]) -> dict[str, Any]:
    description = ModelDescription("resnet18", LABELS, Preprocessing(32), TRAINING | training)
    return sections(description, METRICS, [])


@pytest.mark.parametrize("stopped", [False, True])
def test_a_fold_that_fails_does_not_cost_the_trained_model(
    job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stopped: bool
) -> None:
    # given a head that diverges, or an interruption
    def diverges(*_: object) -> None:
        raise JobFailure("Training diverged in epoch 1.")

    monkeypatch.setattr(train, "find_label_noise", diverges)
    if stopped:
        with pytest.raises(JobFailure, match="diverged"):
            train.label_noise(job, [[0]], lambda: True)
    else:
        assert train.label_noise(job, [[0]], lambda: False) is None
        assert "label noise: not found out: Training diverged" in capsys.readouterr().out
