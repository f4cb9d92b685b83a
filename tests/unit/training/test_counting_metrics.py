import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stocktake.model.metrics import counting_metrics, wilson_interval


def test_metrics_of_a_small_example_worked_out_by_hand() -> None:
    # given labels 1, 2, 4 and four images
    probabilities = torch.tensor([[0.8, 0.2, 0.0], [0.0, 0.5, 0.5], [0.6, 0.4, 0.0], [0.1, 0.8, 0.1]])
    counts = [1, 4, 2, 4]
    # when
    metrics = counting_metrics(probabilities, counts, [1, 2, 4])
    # then (answers 1, 2, 1, 2; expected counts 1.2, 3.0, 1.4, 2.1)
    assert metrics["accuracy"] == 0.25
    assert metrics["withinOne"] == 0.5
    assert metrics["mae"] == pytest.approx((0.2 + 1.0 + 0.6 + 1.9) / 4, abs=1e-6)
    assert metrics["rmse"] == pytest.approx(((0.04 + 1.0 + 0.36 + 3.61) / 4) ** 0.5, abs=1e-6)
    assert metrics["recall"] == {"1": 1.0, "2": 0.0, "4": 0.0}
    assert metrics["confusion"] == [[1, 0, 0], [1, 0, 0], [0, 2, 0]]
    assert metrics["images"] == 4
    assert metrics["majorityAccuracy"] == 0.5


def test_answers_are_those_that_the_model_would_give() -> None:
    probabilities = torch.tensor([[0.36, 0.04, 0.20, 0.20, 0.20]])
    assert counting_metrics(probabilities, [4], [1, 2, 3, 4, 5])["accuracy"] == 0
    metrics = counting_metrics(probabilities, [4], [1, 2, 3, 4, 5], one_off_worth=0.5)
    assert (metrics["accuracy"], metrics["withinOne"], metrics["confusion"][3]) == (1, 1, [0, 0, 0, 1, 0])


def test_a_label_without_images_has_no_recall() -> None:
    assert counting_metrics(torch.tensor([[0.9, 0.1]]), [1], [1, 2])["recall"] == {"1": 1.0, "2": None}


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    # R: prop.test(x, n, correct = FALSE)$conf.int
    [(10, 100, 0.0552291, 0.1743657), (0, 20, 0.0, 0.1611252), (20, 20, 0.8388748, 1.0)],
)
def test_wilson_intervals_are_those_of_other_software(successes: int, trials: int, low: float, high: float) -> None:
    assert wilson_interval(successes, trials) == pytest.approx([low, high], abs=1e-6)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_share_and_stays_a_share(case: tuple[int, int]) -> None:
    successes, trials = case
    low, high = wilson_interval(successes, trials)
    assert 0 <= low <= successes / trials + 1e-12
    assert successes / trials - 1e-12 <= high <= 1
