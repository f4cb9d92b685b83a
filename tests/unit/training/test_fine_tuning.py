"""The recipe for the whole network, trained: it learns from every photo, and resumes and shares out exactly."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from synthetic_shards import LABELS, write_split
from test_training import after_batches, assert_same_result, never, run_from

from stocktake.data.shards import ShardDataset
from stocktake.failures import JobFailure
from stocktake.model.network import create_model
from stocktake.model.preprocessing import Preprocessing
from stocktake.training.checkpoints import Checkpoints
from stocktake.training.hyperparameters import HyperparameterParser, Hyperparameters
from stocktake.training.job import create_training, open_training_split
from stocktake.training.loop import Training
from stocktake.training.recipe import FINE_TUNING
from stocktake.training.starting_point import StartingPoint

ASKED = Hyperparameters(
    "resnet18",
    "none",
    "all",
    "ordinal",
    lr=0.003,
    batch_size=10,
    epochs=2,
    seed=3,
    image_size=32,
    labels=LABELS,
    recipe="fine-tuning",
)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def uncounted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """14 photos with 0, 4 and 9 items."""
    return write_split(tmp_path_factory.mktemp("other"), "uncounted", 14, seed=5, counts=(0, 4, 9))


@pytest.fixture(scope="module")
def start(splits: Path, uncounted: Path) -> Callable[[Hyperparameters], tuple[Training, StartingPoint]]:
    def begin(asked: Hyperparameters) -> tuple[Training, StartingPoint]:
        opened = {
            split: open_training_split(split, splits / split, asked, FINE_TUNING, uncounted)
            for split in ("train", "valid")
        }
        return create_training(asked, FINE_TUNING, opened, None, CPU)

    return begin


def test_every_photo_trains_and_only_the_labels_are_measured_and_served(
    start: Callable[[Hyperparameters], tuple[Training, StartingPoint]],
) -> None:
    # given 45 photos with a label and 14 others
    training, begun = start(replace(ASKED, epochs=8))
    assert len(training.train) == 59
    assert len(training.held_out["validation"]) == 12
    # when
    training.fit(None, never)
    # then it has learned to count
    assert training.progress.best["epoch"] == 8
    assert training.progress.best["validation:accuracy"] > 0.5
    # and what is served is a plain model with the labels' answers, those that validation measured
    model = create_model("resnet18", len(LABELS))
    model.load_state_dict(begun.served(training.progress.best_weights))
    valid = training.held_out["validation"]
    [(pixels, targets)] = valid.load([[(index, False) for index in range(len(valid))]])
    with torch.no_grad():
        answers = model.eval()(valid.network_input(pixels)).argmax(1)
    measured = training.progress.best["validation:accuracy"] * len(valid)
    # (bfloat16 may have tipped one of them)
    assert abs(int((answers == targets).sum()) - measured) <= 1


@pytest.mark.parametrize("batches", [1, 8])
def test_an_interrupted_run_ends_as_an_uninterrupted_one(
    start: Callable[[Hyperparameters], tuple[Training, StartingPoint]], tmp_path: Path, batches: int
) -> None:
    # given a run that is stopped in the middle of an epoch
    with pytest.raises(JobFailure, match="Stopped by SIGTERM"):
        run_from(start(ASKED)[0], Checkpoints(tmp_path, vars(ASKED)), after_batches(batches))
    # when another process goes on, whose random numbers are elsewhere
    resumed = start(ASKED)[0]
    torch.manual_seed(999)
    run_from(resumed, Checkpoints(tmp_path, vars(ASKED)), never)
    # then weights and their average are identical
    whole = start(ASKED)[0]
    whole.fit(None, never)
    assert_same_result(resumed, whole)


def test_a_head_alone_is_refused_with_the_remedy() -> None:
    arguments = HyperparameterParser().parse_args(["--recipe", "fine-tuning", "--trainable", "head"])
    with pytest.raises(JobFailure, match="trainable all or layer4, or the recipe notebook"):
        Hyperparameters.from_arguments(arguments)


def test_photos_are_decoded_once_as_far_as_memory_goes(splits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given room for 20 of 45 photos
    dataset = ShardDataset("train", splits / "train", LABELS, Preprocessing(32), memory=20 * 3 * 32 * 32 + 100)
    plain = ShardDataset("train", splits / "train", LABELS, Preprocessing(32))
    read: list[int] = []
    bytes_of = dataset.image_bytes
    monkeypatch.setattr(dataset, "image_bytes", lambda index: read.append(index) or bytes_of(index))
    keys = [(index, index % 2 == 0) for index in range(45)]
    # when two epochs pass
    first, second = dataset.batch(keys), dataset.batch(keys)
    # then the second decoded only the others, and the pixels are the same, mirrored or not
    assert read == [*range(45), *range(20, 45)]
    expected = plain.batch(keys)
    for pixels, positions in (first, second):
        assert torch.equal(pixels, expected[0])
        assert torch.equal(positions, expected[1])
