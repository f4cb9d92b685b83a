"""The two losses."""

import pytest
import torch
from torch.nn import functional

from stocktake.training.losses import LOSSES, CountingLoss

LABELS = (1, 2, 3, 7)


def test_cross_entropy_is_torchs() -> None:
    logits, targets = torch.randn(9, 4), torch.randint(4, (9,))
    loss = CountingLoss("cross-entropy", LABELS)(logits, targets)
    assert loss == pytest.approx(functional.cross_entropy(logits, targets).item(), abs=1e-6)


def test_ordinal_costs_more_the_further_off_the_answer_is_in_items() -> None:
    loss = CountingLoss("ordinal", LABELS)
    answers = [loss(8 * functional.one_hot(torch.tensor([place]), 4).float(), torch.tensor([0])) for place in range(4)]
    assert answers == sorted(answers)
    assert len(set(answers)) == 4


def test_ordinal_is_least_where_the_probabilities_fall_with_distance() -> None:
    # given logits that are learned freely for the true count 2
    logits = torch.zeros(1, 4, requires_grad=True)
    loss, optimizer = CountingLoss("ordinal", LABELS), torch.optim.Adam([logits], lr=0.2)
    for _ in range(300):
        optimizer.zero_grad()
        loss(logits, torch.tensor([1])).backward()
        optimizer.step()
    # then 2 is the answer, its neighbours are alike, and 7 is out of the question
    one, two, three, seven = logits.softmax(1)[0].tolist()
    assert two > 0.7
    assert one == pytest.approx(three, abs=1e-3)
    assert seven < 0.01


@pytest.mark.parametrize("kind", LOSSES)
def test_an_empty_batch_costs_nothing_and_has_a_gradient(kind: str) -> None:
    logits = torch.zeros(0, 4, requires_grad=True)
    loss = CountingLoss(kind, LABELS)(logits, torch.empty(0, dtype=torch.long))
    loss.backward()
    assert loss.item() == 0
