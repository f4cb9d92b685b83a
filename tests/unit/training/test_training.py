"""The loop itself: it learns, it repeats, and an interrupted run ends as if nothing had happened."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from synthetic_shards import LABELS

from stocktake.data.splits import Split
from stocktake.failures import JobFailure
from stocktake.training.checkpoints import Checkpoints
from stocktake.training.hyperparameters import Hyperparameters
from stocktake.training.job import create_training, open_training_split
from stocktake.training.loop import Training
from stocktake.training.recipe import NOTEBOOK

RECIPE = Hyperparameters(
    "resnet18", "none", "all", "cross-entropy", lr=0.001, batch_size=10, epochs=2, seed=3, image_size=32, labels=LABELS
)
MOBILE_HEAD = Hyperparameters(
    "mobilenet_v2",
    "none",
    "head",
    "cross-entropy",
    lr=0.01,
    batch_size=10,
    epochs=2,
    seed=3,
    image_size=32,
    labels=LABELS,
)


@pytest.fixture(scope="module")
def start(splits: Path) -> Callable[[Hyperparameters], Training]:
    def begin(recipe: Hyperparameters) -> Training:
        opened = {split: open_training_split(split, splits / split, recipe) for split in ("train", "valid")}
        return create_training(recipe, NOTEBOOK, opened, None, torch.device("cpu"))[0]

    return begin


def never() -> bool:
    return False


def after_batches(batches: int) -> Callable[[], bool]:
    """An epoch has 5 of training and 2 of validation."""
    asked: Iterator[int] = iter(range(1, 1000))
    return lambda: next(asked) == batches


def run_from(training: Training, checkpoints: Checkpoints, interrupted: Callable[[], bool]) -> None:
    """As the job does: resume, then train."""
    training.resume(checkpoints)
    training.fit(checkpoints, interrupted)


def assert_same_result(one: Training, other: Training) -> None:
    for here, there in (
        (one.network.state_dict(), other.network.state_dict()),
        (one.progress.best_weights, other.progress.best_weights),
    ):
        assert all(torch.equal(value, there[name]) for name, value in here.items())
    histories = [[{**row, "seconds": None} for row in training.progress.history] for training in (one, other)]
    assert histories[0] == histories[1]


def test_a_network_learns_to_count_drawn_bins(start: Callable[[Hyperparameters], Training]) -> None:
    training = start(Hyperparameters(**{**vars(RECIPE), "epochs": 8}))
    training.fit(None, never)
    assert training.progress.history[-1]["train:accuracy"] > 0.6
    assert training.progress.best["validation:accuracy"] > 0.5


def test_the_same_seed_gives_the_same_result_and_another_seed_another(
    start: Callable[[Hyperparameters], Training],
) -> None:
    recipes = [Hyperparameters(**{**vars(RECIPE), "epochs": 1, "seed": seed}) for seed in (3, 3, 4)]
    runs = [start(recipe) for recipe in recipes]
    for run in runs:
        run.fit(None, never)
    assert_same_result(runs[0], runs[1])
    assert runs[0].progress.history[0]["train:loss"] != runs[2].progress.history[0]["train:loss"]


@pytest.mark.parametrize("recipe", [RECIPE, MOBILE_HEAD], ids=["resnet18 all", "mobilenet_v2 head, dropout"])
@pytest.mark.parametrize(
    ("batches", "place"),
    [(1, "in epoch 1 after 1 batches"), (6, "in epoch 1 after 5 batches"), (9, "in epoch 2 after 2 batches")],
    ids=["in training", "in validation", "in the second epoch"],
)
def test_an_interrupted_run_ends_as_an_uninterrupted_one(
    start: Callable[[Hyperparameters], Training], tmp_path: Path, recipe: Hyperparameters, batches: int, place: str
) -> None:
    # given a run that is stopped in the middle of an epoch
    interrupted = start(recipe)
    with pytest.raises(JobFailure, match=f"Stopped by SIGTERM {place};"):
        run_from(interrupted, Checkpoints(tmp_path, vars(recipe)), after_batches(batches))
    # when another process goes on, whose random numbers are elsewhere
    resumed = start(recipe)
    torch.manual_seed(999)
    run_from(resumed, Checkpoints(tmp_path, vars(recipe)), never)
    # then
    whole = start(recipe)
    whole.fit(None, never)
    assert_same_result(resumed, whole)


@pytest.mark.parametrize("formats", [(torch.bfloat16, torch.float16), (torch.float16, torch.bfloat16)])
def test_a_checkpoint_of_another_number_format_is_gone_on_from_and_told(
    start: Callable[[Hyperparameters], Training],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    formats: tuple[torch.dtype, torch.dtype],
) -> None:
    """A spot instance of another type: float16 has a scale of its gradients, bfloat16 has none."""

    def on_a_machine_of(precision: torch.dtype) -> Training:
        monkeypatch.setattr("stocktake.training.starting_point.fastest_precision", lambda _device: precision)
        return start(RECIPE)

    checkpoints = Checkpoints(tmp_path, vars(RECIPE))
    with pytest.raises(JobFailure, match="Stopped by SIGTERM in epoch 1 after 2 batches"):
        run_from(on_a_machine_of(formats[0]), checkpoints, after_batches(2))
    # when
    resumed = on_a_machine_of(formats[1])
    run_from(resumed, checkpoints, never)
    # then
    said = capsys.readouterr().out
    assert f"was trained in {formats[0]}, this machine goes on in {formats[1]}: results will differ" in said
    assert "resumed epoch=1 batch=2" in said
    assert resumed.progress.epoch == 3
    assert (resumed.scaler.get_scale() > 1) == (formats[1] == torch.float16)


def test_a_finished_run_that_is_started_again_only_keeps_its_result(
    start: Callable[[Hyperparameters], Training], tmp_path: Path
) -> None:
    first, second = start(MOBILE_HEAD), start(MOBILE_HEAD)
    for run in (first, second):
        run_from(run, Checkpoints(tmp_path, vars(MOBILE_HEAD)), never)
    assert_same_result(first, second)


def test_a_stop_without_checkpoints_says_what_is_lost(start: Callable[[Hyperparameters], Training]) -> None:
    with pytest.raises(JobFailure, match="without a checkpoint location all of it is lost"):
        start(RECIPE).fit(None, after_batches(2))


def test_a_checkpoint_of_another_run_is_refused_with_the_differences(
    start: Callable[[Hyperparameters], Training], tmp_path: Path
) -> None:
    run_from(start(MOBILE_HEAD), Checkpoints(tmp_path, vars(MOBILE_HEAD)), never)
    with pytest.raises(JobFailure, match=r"another run: architecture is 'mobilenet_v2' there and 'resnet18'"):
        run_from(start(RECIPE), Checkpoints(tmp_path, vars(RECIPE)), never)


def test_a_damaged_checkpoint_is_named(start: Callable[[Hyperparameters], Training], tmp_path: Path) -> None:
    (tmp_path / "checkpoint-1.pt").write_bytes(b"half a file")
    with pytest.raises(JobFailure, match=r"checkpoint-1\.pt cannot be read"):
        run_from(start(RECIPE), Checkpoints(tmp_path, vars(RECIPE)), never)


def test_a_run_whose_newest_checkpoint_arrived_damaged_goes_on_from_the_one_before(
    start: Callable[[Hyperparameters], Training], tmp_path: Path
) -> None:
    # given a run that was stopped in its second epoch, after a checkpoint at the end of the first
    checkpoints = Checkpoints(tmp_path, vars(MOBILE_HEAD))
    with pytest.raises(JobFailure):
        run_from(start(MOBILE_HEAD), checkpoints, after_batches(9))
    older, newest = tmp_path / "checkpoint-1.pt", tmp_path / "checkpoint-0.pt"
    newest.write_bytes(older.read_bytes()[:1000])
    # when
    resumed = start(MOBILE_HEAD)
    run_from(resumed, checkpoints, never)
    # then
    whole = start(MOBILE_HEAD)
    whole.fit(None, never)
    assert_same_result(resumed, whole)


def test_only_the_newest_checkpoints_are_kept(start: Callable[[Hyperparameters], Training], tmp_path: Path) -> None:
    recipe = Hyperparameters(**{**vars(MOBILE_HEAD), "epochs": 4})
    run_from(start(recipe), Checkpoints(tmp_path, vars(recipe)), never)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["checkpoint-0.pt", "checkpoint-1.pt"]


def test_the_best_epoch_is_kept_by_accuracy_then_loss(
    start: Callable[[Hyperparameters], Training], monkeypatch: pytest.MonkeyPatch
) -> None:
    # given validations of 12 images: summed loss, right answers, images
    sums = iter([(12.0, 6, 12), (9.0, 8, 12), (8.0, 8, 12), (8.5, 8, 12), (1.0, 7, 12)])
    training = start(Hyperparameters(**{**vars(MOBILE_HEAD), "epochs": 5}))
    heads: list[torch.Tensor] = []

    def measure(_split: Split) -> torch.Tensor:
        heads.append(training.network.weights()["classifier.1.weight"])
        return torch.tensor(next(sums), dtype=torch.float64)

    monkeypatch.setattr(training, "measure", measure)
    # when
    training.fit(None, never)
    # then
    assert training.progress.best["epoch"] == 3
    assert torch.equal(training.progress.best_weights["classifier.1.weight"], heads[2])


def test_validation_counts_every_image_once(start: Callable[[Hyperparameters], Training]) -> None:
    # given batches of 10 and 2 images
    training = start(RECIPE)
    network, valid = training.network.eval(), training.held_out["validation"]
    network.precision = torch.float32
    # when
    loss, correct, images = training.measure(valid).tolist()
    # then the sums are those of one pass over all images at once
    [(pixels, targets)] = valid.load([[(index, False) for index in range(len(valid))]])
    with torch.no_grad():
        logits = network(valid.network_input(pixels)).double()
    assert images == 12
    assert correct == (logits.argmax(1) == targets).sum()
    assert loss == pytest.approx(-logits.log_softmax(1)[range(12), targets].sum().item(), abs=1e-4)


def test_each_epoch_prints_one_line_that_the_metric_definitions_read(
    start: Callable[[Hyperparameters], Training], capsys: pytest.CaptureFixture[str]
) -> None:
    training = start(MOBILE_HEAD)
    training.fit(None, never)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["epoch=1", "epoch=2"]
    for line, row in zip(lines, training.progress.history, strict=True):
        for name in ("train:loss", "train:accuracy", "validation:loss", "validation:accuracy"):
            [value] = re.findall(f"{name}=([0-9.eE+-]+)", line)
            assert float(value) == pytest.approx(row[name], abs=1e-4)


def test_a_diverging_loss_ends_the_job_and_names_the_learning_rate(
    start: Callable[[Hyperparameters], Training],
) -> None:
    training = start(Hyperparameters(**{**vars(RECIPE), "lr": 1e30}))
    with pytest.raises(JobFailure, match=r"diverged in epoch 1: the loss is .* hyperparameter lr \(now 1e\+30\)"):
        training.fit(None, never)
