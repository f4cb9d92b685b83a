"""Which count a distribution is answered with."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from stocktake.model.counts import chosen_positions

LABELS = (1, 2, 3, 4, 5)


def test_with_no_worth_for_one_off_the_most_probable_count_is_answered() -> None:
    rows = torch.tensor([[0.1, 0.2, 0.3, 0.25, 0.15], [0.4, 0.0, 0.2, 0.2, 0.2]])
    assert chosen_positions(rows, LABELS).tolist() == [2, 0]


def test_a_count_between_others_is_answered_where_one_off_is_worth_half() -> None:
    # given photos with 1 item, or with 3 to 5: 4 is worth .20 + (.20 + .20) / 2
    rows = torch.tensor([[0.44, 0.0, 0.20, 0.18, 0.18], [0.36, 0.04, 0.20, 0.20, 0.20]])
    # then it is the one that is likely enough, or else the one in the middle of the others
    assert chosen_positions(rows, LABELS, 0.5).tolist() == [0, 3]


def test_labels_that_are_two_apart_are_no_neighbours() -> None:
    rows = torch.tensor([[0.4, 0.25, 0.35]])
    assert chosen_positions(rows, (1, 2, 3), 0.9).tolist() == [1]
    assert chosen_positions(rows, (1, 3, 5), 0.9).tolist() == [0]


@given(st.lists(st.integers(1, 1000), min_size=5, max_size=5), st.floats(0, 1))
def test_no_other_answer_is_worth_more_on_average(weights: list[int], one_off_worth: float) -> None:
    row = torch.tensor(weights, dtype=torch.float64) / sum(weights)

    def worth(answer: int) -> float:
        return sum(
            float(p) * {0: 1.0, 1: one_off_worth}.get(abs(answer - count), 0.0)
            for p, count in zip(row, LABELS, strict=True)
        )

    [position] = chosen_positions(row[None], LABELS, one_off_worth).tolist()
    assert worth(LABELS[position]) >= max(map(worth, LABELS)) - 1e-12
