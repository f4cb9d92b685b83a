import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stocktake.evaluation.calibration import (
    BINS,
    calibration,
    expected_calibration_error,
    negative_log_likelihood,
)
from stocktake.model.calibration import calibrated

POSITIVE = st.lists(st.floats(1e-6, 1), min_size=3, max_size=3)


def test_the_expected_calibration_error_of_a_small_example_worked_out_by_hand() -> None:
    # given two images in one bin (0.61 and 0.65 of (0.6, 0.667]), one of them right, and one alone in another
    probabilities = torch.tensor([[0.61, 0.39], [0.35, 0.65], [0.1, 0.9]], dtype=torch.float64)
    # then they are 0.26 too sure together, and the third is 0.1 not sure enough
    assert expected_calibration_error(probabilities, torch.tensor([0, 0, 1])) == pytest.approx((0.26 + 0.1) / 3)


def test_a_bin_holds_its_upper_edge() -> None:
    # given an image on the edge of two bins, and one above it that is wrong: in one bin their errors would cancel out
    edge = 9 / BINS
    probabilities = torch.tensor([[edge, 1 - edge], [edge + 0.01, 0.99 - edge]], dtype=torch.float64)
    found = expected_calibration_error(probabilities, torch.tensor([0, 1]))
    assert found == pytest.approx(((1 - edge) + edge + 0.01) / 2)


def test_the_negative_log_likelihood_is_that_of_the_labels() -> None:
    probabilities = torch.tensor([[0.25, 0.75], [1.0, 0.0]], dtype=torch.float64)
    assert negative_log_likelihood(probabilities, torch.tensor([0, 0])) == pytest.approx(math.log(4) / 2)
    # and one that the model thinks impossible is finite, as JSON knows no infinity
    assert negative_log_likelihood(probabilities[1:], torch.tensor([1])) == pytest.approx(38 * math.log(10))


@given(st.lists(POSITIVE, min_size=1, max_size=20), st.floats(0.2, 5))
def test_what_was_before_the_temperature_is_had_back(drawn: list[list[float]], temperature: float) -> None:
    # given answers at a temperature, of which every other is right
    plain = torch.tensor(drawn, dtype=torch.float64).log().log_softmax(1)
    answered = calibrated(plain, temperature)
    positions = [int(row.argmax() if place % 2 else row.argmin()) for place, row in enumerate(plain)]
    rows = [
        {"count": (1, 2, 4)[at], "probabilities": row.tolist()} for at, row in zip(positions, answered, strict=True)
    ]
    # when
    found = calibration(rows, (1, 2, 4), temperature)
    # then
    expected = {"before": plain.exp(), "after": answered.double()}
    for when, probabilities in expected.items():
        likelihood = negative_log_likelihood(probabilities, torch.tensor(positions))
        assert found["negativeLogLikelihood"][when] == pytest.approx(likelihood, rel=1e-3, abs=1e-4)
    assert found["expectedError"]["after"] == expected_calibration_error(answered.double(), torch.tensor(positions))
