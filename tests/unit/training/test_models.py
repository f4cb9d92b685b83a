"""The networks: their parts, and which of them learn."""

from typing import get_args

import pytest
import torch
from torch import nn
from torch.nn import functional

from run.contract import Architecture
from stocktake.model.network import (
    ARCHITECTURES,
    TRAINABLE,
    Network,
    create_head,
    create_model,
    create_trunk,
    head_name,
)


def network(architecture: str, trainable: str, outputs: int = 3) -> Network:
    return Network(architecture, create_trunk(architecture), create_head(architecture, outputs), trainable)


def test_the_input_and_the_training_code_know_the_same_networks() -> None:
    assert get_args(Architecture) == ARCHITECTURES


@pytest.mark.parametrize("trainable", TRAINABLE)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_trunk_and_head_are_torchvisions_model_in_two_parts(architecture: str, trainable: str) -> None:
    with torch.device("meta"):
        whole, parts = create_model(architecture, 4), network(architecture, trainable, 4)
    shapes = {name: value.shape for name, value in whole.state_dict().items()}
    named = parts.trunk.state_dict() | {f"{head_name(architecture)}.{k}": v for k, v in parts.head.state_dict().items()}
    assert {name: value.shape for name, value in named.items()} == shapes
    # and so many learn
    learning, every = len(list(parts.trainable_parameters())), len(list(whole.parameters()))
    assert learning == 2 if trainable == "head" else learning > 2
    assert (learning == every) == (trainable == "all")


@pytest.mark.parametrize("architecture", ["resnet18", "mobilenet_v2"])
def test_the_two_parts_compute_what_the_whole_does_and_give_it_their_weights(architecture: str) -> None:
    torch.manual_seed(0)
    parts, whole = network(architecture, "head").eval(), create_model(architecture, 3).eval()
    whole.load_state_dict(parts.weights())
    images = torch.rand(2, 3, 64, 64)
    assert torch.allclose(parts(images), whole(images), atol=1e-6)


@pytest.mark.parametrize("architecture", ["resnet18", "mobilenet_v2"])
@pytest.mark.parametrize("trainable", TRAINABLE)
def test_only_the_trainable_parts_change_in_a_training_step(architecture: str, trainable: str) -> None:
    # given
    model = network(architecture, trainable)
    before = model.weights()
    stage = "layer4." if architecture == "resnet18" else tuple(f"features.{block}." for block in range(14, 19))
    head = f"{head_name(architecture)}."
    learning = {"head": (head,), "layer4": (head, *([stage] if isinstance(stage, str) else stage)), "all": ("",)}
    # when
    model.train()
    optimizer = torch.optim.SGD(model.trainable_parameters(), lr=1.0)
    functional.cross_entropy(model(torch.rand(4, 3, 64, 64)), torch.tensor([0, 1, 2, 0])).backward()
    optimizer.step()
    # then neither frozen weights nor frozen batch norm statistics have moved
    changed = {name for name, value in model.weights().items() if not torch.equal(value, before[name])}
    assert changed
    assert all(name.startswith(learning[trainable]) for name in changed)
    assert any(name.startswith(head) for name in changed)
    statistics = {name for name in before if "running_mean" in name and name.startswith(learning[trainable])}
    assert statistics <= changed


def test_the_frozen_prefix_is_run_without_gradients() -> None:
    model = network("resnet18", "layer4").train()
    seen: dict[str, bool] = {}
    for name in ("layer3", "layer4"):
        part: nn.Module = model.trunk.get_submodule(name)
        part.register_forward_hook(lambda _module, _input, output, name=name: seen.update({name: output.requires_grad}))
    model(torch.rand(2, 3, 64, 64))
    assert seen == {"layer3": False, "layer4": True}


def test_a_network_of_features_is_its_head_alone() -> None:
    model = Network("resnet18", None, create_head("resnet18", 3), "head")
    assert model(torch.rand(5, 512)).shape == (5, 3)
    assert set(model.weights()) == {"fc.weight", "fc.bias"}
