"""The temperature: how it is fitted, what it does to an answer, and that it reaches the artifact and the endpoint."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from synthetic_shards import LABELS, draw_bin
from test_fine_tuning import ASKED
from test_training import MOBILE_HEAD, never
from torch import Tensor, nn

from inference import model_fn, pixels_of, predict_several
from stocktake.model.artifact import ModelDescription, save_artifact
from stocktake.model.calibration import calibrated, log_probabilities
from stocktake.model.preprocessing import Preprocessing
from stocktake.training.distributed import World
from stocktake.training.hyperparameters import Hyperparameters
from stocktake.training.job import create_training, open_training_split
from stocktake.training.loop import Training
from stocktake.training.recipe import FINE_TUNING, NOTEBOOK, Recipe
from stocktake.training.starting_point import StartingPoint
from stocktake.training.temperature import COLDEST, HOTTEST, fit_temperature


def answers(images: int, spread: float = 2.0, labels: int = 5) -> Tensor:
    """Log probabilities of drawn logits."""
    drawn = torch.randn(images, labels, generator=torch.Generator().manual_seed(1))
    return log_probabilities([spread * drawn])


def loss(log_p: Tensor, positions: Tensor, temperature: float) -> float:
    """Mean negative log likelihood."""
    return float(nn.functional.nll_loss((log_p / temperature).log_softmax(1), positions))


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_the_temperature_that_labels_were_drawn_at_is_found(temperature: float) -> None:
    log_p = answers(20_000)
    torch.manual_seed(2)
    labels = torch.multinomial(calibrated(log_p, temperature), 1).squeeze(1)
    assert fit_temperature(log_p, labels) == pytest.approx(temperature, rel=0.05)


def test_no_other_temperature_makes_the_labels_more_likely() -> None:
    log_p = answers(400)
    torch.manual_seed(3)
    labels = torch.multinomial(calibrated(log_p, 2.0), 1).squeeze(1)
    found = fit_temperature(log_p, labels)
    grid = [found * 1.05**step for step in range(-40, 41)]
    assert min(grid, key=lambda temperature: loss(log_p, labels, temperature)) == pytest.approx(found, rel=0.051)


def test_a_few_images_that_are_all_counted_right_do_not_make_answers_certain() -> None:
    # given twelve answers of which the true label is always the likeliest
    log_p = answers(12)
    temperature = fit_temperature(log_p, log_p.argmax(1))
    # then they are sharper, as sure as twelve out of twelve allow
    surest = calibrated(log_p, temperature).max(1).values
    assert temperature < 1
    assert 0.6 < float(surest.mean()) < 0.95


@pytest.mark.parametrize(("right", "limit"), [(False, HOTTEST), (True, COLDEST)])
def test_the_temperature_stays_within_its_limits(right: bool, limit: float) -> None:
    # given answers that are always wrong, and answers that are right and so alike that only sharpening helps
    log_p = answers(50, spread=1e-5 if right else 2.0, labels=2)
    found = fit_temperature(log_p, log_p.argmax(1) if right else log_p.argmin(1))
    assert found == pytest.approx(limit, rel=1e-6)


@given(
    st.lists(st.lists(st.floats(-50, 50, width=32), min_size=3, max_size=3), min_size=2, max_size=2),
    st.floats(0.05, 20),
)
def test_no_count_changes_and_a_row_stays_a_distribution(views: list[list[float]], temperature: float) -> None:
    log_p = log_probabilities([torch.tensor([view]) for view in views])
    [row] = calibrated(log_p, temperature)
    assert float(row[int(log_p.argmax(1))]) == float(row.max())
    assert float(row.sum()) == pytest.approx(1, abs=1e-5)
    assert float(row.min()) >= 0


def test_the_temperature_comes_after_the_mean_over_the_views() -> None:
    # given a photo whose mirror image is sure of the second label, and a first view that leans to the first
    views = [torch.tensor([[2.0, 0.0, 0.0]]), torch.tensor([[0.0, 9.0, 0.0]])]
    mean = torch.stack([view.softmax(1) for view in views]).mean(0)
    # then at 1 the answer is the mean, and at 2 its square root in proportion
    assert torch.allclose(calibrated(log_probabilities(views), 1.0), mean, atol=1e-7)
    root = mean.sqrt()
    assert torch.allclose(calibrated(log_probabilities(views), 2.0), root / root.sum(), atol=1e-7)


def test_evaluation_and_endpoint_answer_at_the_models_temperature(artifact: Path) -> None:
    model = model_fn(artifact)
    warm = replace(model, description=replace(model.description, temperature=2.0))
    photos = [pixels_of(draw_bin(count, seed=count), model) for count in LABELS]
    plain, tempered = (one.probabilities(torch.stack(photos)) for one in (model, warm))
    # the evaluation asks the model itself, the endpoint for an answer
    assert torch.allclose(tempered, plain.sqrt() / plain.sqrt().sum(1, keepdim=True), atol=1e-6)
    answered = predict_several(photos, warm)
    assert [answer["probabilities"] for answer in answered] == tempered.tolist()
    assert [answer["count"] for answer in answered] == [answer["count"] for answer in predict_several(photos, model)]


Trained = Callable[[Hyperparameters, Recipe], tuple[Training, StartingPoint]]


@pytest.fixture(scope="module")
def trained(splits: Path) -> Trained:
    def train(asked: Hyperparameters, recipe: Recipe) -> tuple[Training, StartingPoint]:
        opened = {name: open_training_split(name, splits / name, asked, recipe) for name in ("train", "valid")}
        training, start = create_training(asked, recipe, opened, None, torch.device("cpu"))
        training.fit(None, never)
        return training, start

    return train


@pytest.mark.parametrize(
    ("asked", "recipe"), [(MOBILE_HEAD, NOTEBOOK), (replace(ASKED, epochs=1), FINE_TUNING)], ids=["head", "all"]
)
def test_it_is_fitted_to_what_is_served(
    trained: Trained, asked: Hyperparameters, recipe: Recipe, splits: Path, tmp_path: Path
) -> None:
    # given a training whose last epoch is not the one that is kept
    training, start = trained(asked, recipe)
    kept = training.progress.best_weights
    if recipe.keep == "best":
        with torch.no_grad():
            training.network.head[1].weight.zero_()  # type: ignore[index, union-attr, operator]
    # when
    temperature = training.calibrate()
    # then it is that of the model as the endpoint loads it, on the same photos
    description = ModelDescription(asked.architecture, LABELS, Preprocessing(32), {}, recipe.mirrored)
    save_artifact(tmp_path, start.served(kept), description)
    valid = training.held_out["validation"]
    [(pixels, targets)] = valid.load([[(index, False) for index in range(len(valid))]])
    served = model_fn(tmp_path, str(training.network.precision).removeprefix("torch."))
    expected = fit_temperature(served.probabilities(pixels).double().log(), targets)
    assert temperature == pytest.approx(expected, rel=0.1)
    assert temperature != pytest.approx(1, rel=0.02)


class OneOfTwo(World):
    """A process beside another, whose answers are known."""

    def __init__(self, rank: int, answers: dict[int, Any]):
        super().__init__(rank, 2)
        self.answers = answers

    def gather(self, value: Any) -> list[Any]:
        self.answers[self.rank] = value
        return [self.answers[rank] for rank in sorted(self.answers)]

    def any(self, flag: bool) -> bool:
        return flag


def test_two_processes_find_what_one_does(trained: Trained) -> None:
    # given twelve images in batches of ten, of which each process measures its share
    training, _ = trained(MOBILE_HEAD, NOTEBOOK)
    alone, answers = training.calibrate(), dict[int, Any]()
    for rank in (0, 1):
        training.world = OneOfTwo(rank, answers)
        temperature = training.calibrate()
    assert [sum(len(positions) for _, positions in answers[rank]) for rank in (0, 1)] == [6, 6]
    assert temperature == pytest.approx(alone, rel=1e-6)
