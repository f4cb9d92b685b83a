"""The recipes' ingredients, each by itself: average, rows of the head, losses."""

import pytest
import torch
from torch import nn

from run.recipes import PASSES, PRESETS
from stocktake.model.network import Network, create_head, create_trunk
from stocktake.training.average import Average
from stocktake.training.losses import CountingLoss, EveryPhotoLoss
from stocktake.training.outputs import Outputs
from stocktake.training.recipe import FINE_TUNING, NOTEBOOK, RECIPES

LABELS = (1, 2, 3, 4, 5)
OUTPUTS = Outputs.of(LABELS, FINE_TUNING)


def a_network(trainable: str = "all", outputs: int = 3) -> Network:
    torch.manual_seed(0)
    return Network("resnet18", create_trunk("resnet18"), create_head("resnet18", outputs), trainable)


def test_the_input_and_the_training_code_know_the_same_recipes() -> None:
    assert PRESETS.keys() == RECIPES.keys()
    assert {name: 1 + recipe.mirrored for name, recipe in RECIPES.items()} == PASSES


def test_the_average_forgets_the_start_soon_and_follows_statistics_too() -> None:
    # given a network that is all zeros at the start and all ones ever after
    network = a_network()
    tensors = [tensor for tensor in network.state_dict().values() if tensor.is_floating_point()]
    for tensor in tensors:
        tensor.zero_()
    average = Average(network, 0.9)
    for tensor in tensors:
        tensor.fill_(1.0)
    # when two steps are done
    average.update(network, 1)
    average.update(network, 2)
    # then what is left of the start is the product of what each step keeps
    for name, value in average.network.state_dict().items():
        if value.is_floating_point():
            assert torch.allclose(value, torch.full_like(value, 1 - 2 / 11 * 3 / 12)), name
    # and far into a training a step keeps `decay`
    before = average.network.head.weight.clone()
    network.head.weight.data.fill_(2.0)
    average.update(network, 10_000)
    assert torch.allclose(average.network.head.weight, before * 0.9 + 2.0 * 0.1)


def test_the_head_tells_counts_beyond_the_labels_and_serves_the_labels_alone() -> None:
    assert OUTPUTS.classes == tuple(range(9))
    assert OUTPUTS.size == 9
    torch.manual_seed(0)
    head, trunk_weight = nn.Linear(4, OUTPUTS.size), torch.rand(2, 2)
    weights = {"conv1.weight": trunk_weight, "fc.weight": head.weight, "fc.bias": head.bias}
    # when the rows of the labels are kept
    served = OUTPUTS.served("resnet18", weights)
    # then the served answer is the whole one restricted to the labels and normalised
    inputs = torch.rand(6, 4)
    whole = head(inputs)[:, :9].softmax(1)[:, 1:6]
    answer = (inputs @ served["fc.weight"].T + served["fc.bias"]).softmax(1)
    assert torch.allclose(answer, whole / whole.sum(1, keepdim=True), atol=1e-6)
    assert served["conv1.weight"] is trunk_weight


def test_the_notebooks_head_is_served_as_it_is() -> None:
    outputs = Outputs.of((7, 3), NOTEBOOK)
    assert outputs.size == 2
    weights = {"fc.weight": torch.rand(2, 4), "fc.bias": torch.rand(2)}
    served = outputs.served("resnet18", weights)
    assert all(torch.equal(served[name], value) for name, value in weights.items())


def test_a_count_beyond_the_open_class_is_learned_as_that_class() -> None:
    loss = EveryPhotoLoss("ordinal", OUTPUTS)
    logits = torch.randn(2, OUTPUTS.size)
    expected = CountingLoss("ordinal", range(9))(logits, torch.tensor([0, 8]))
    assert loss(logits, torch.tensor([0, 40])) == expected


def test_totals_count_only_photos_whose_count_is_a_label_and_answers_among_labels() -> None:
    loss = EveryPhotoLoss("cross-entropy", OUTPUTS)
    # given photos with 2, 0, 5 and 7 items, whose largest logits are of 0, 0, 5 and 7 items
    logits = torch.zeros(4, OUTPUTS.size)
    logits[range(4), [0, 0, 5, 7]] = 9.0
    logits[0, 2] = 3.0
    # when
    total, right, images = loss.totals(torch.tensor(99.0), logits, torch.tensor([2, 0, 5, 7])).tolist()
    # then of the two that are counted both are right, and the loss is that of their answers
    answers = loss.answers(logits)[[0, 2]]
    assert (right, images) == (2, 2)
    assert total == pytest.approx(-answers.log_softmax(1)[[0, 1], [1, 4]].sum().item(), abs=1e-5)


def test_an_empty_part_of_a_batch_costs_nothing() -> None:
    loss = EveryPhotoLoss("ordinal", OUTPUTS)
    logits = torch.zeros(0, OUTPUTS.size, requires_grad=True)
    found = loss(logits, torch.empty(0, dtype=torch.int64))
    found.backward()
    assert found.item() == 0
