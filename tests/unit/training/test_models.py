import hashlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn import functional

from stocktake import models
from stocktake.failures import JobFailure
from stocktake.models import (
    ARCHITECTURES,
    TRAINABLE,
    Trainee,
    create_model,
    head_of,
    load_imagenet,
    load_weights_file,
    trainable_parts,
)

REAL_TRUNK = Path(__file__).parents[4] / "shared/weights/mobilenet_v2_imagenet_trunk.pth"


def state(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


@pytest.fixture
def weights_file(tmp_path: Path) -> Callable[[object], Path]:
    """Put content into a `weights` channel; returns the channel's folder."""

    def save(content: object) -> Path:
        torch.save(content, tmp_path / "weights.pth")
        return tmp_path

    return save


@pytest.mark.parametrize("trainable", TRAINABLE)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_each_architecture_ends_in_a_head_and_has_the_parts_that_can_learn(architecture: str, trainable: str) -> None:
    with torch.device("meta"):
        model = create_model(architecture, 4)
        trainee = Trainee(model, trainable_parts(architecture, trainable))
    head = model.get_submodule(head_of(architecture))
    learning, every = len(trainee.parameters()), len(list(model.parameters()))
    assert isinstance(head, nn.Linear)
    assert head.out_features == 4
    assert learning == 2 if trainable == "head" else learning > 2
    assert (learning == every) == (trainable == "all")


@pytest.mark.parametrize("architecture", ["resnet18", "mobilenet_v2"])
@pytest.mark.parametrize("trainable", TRAINABLE)
def test_only_the_trainable_parts_change_in_a_training_step(architecture: str, trainable: str) -> None:
    # given
    model = create_model(architecture, 3)
    parts = trainable_parts(architecture, trainable)
    trainee = Trainee(model, parts)
    before = state(model)
    # when
    trainee.train()
    optimizer = torch.optim.SGD(trainee.parameters(), lr=1.0)
    functional.cross_entropy(model(torch.rand(4, 3, 64, 64)), torch.tensor([0, 1, 2, 0])).backward()
    optimizer.step()
    # then neither frozen weights nor frozen batch norm statistics have moved
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed
    assert all(name.startswith(parts) for name in changed)
    assert f"{head_of(architecture)}.weight" in changed
    statistics = {name for name in before if "running_mean" in name and name.startswith(parts)}
    assert statistics <= changed


def test_a_file_of_other_classes_gives_its_trunk_and_a_new_head(
    weights_file: Callable[[object], Path],
) -> None:
    source, model = create_model("resnet18", 1000), create_model("resnet18", 5)
    head = model.fc.weight.clone()
    load_weights_file(model, "resnet18", weights_file(source.state_dict()))
    assert torch.equal(model.conv1.weight, source.conv1.weight)
    assert torch.equal(model.fc.weight, head)


def test_a_file_of_the_same_labels_gives_its_head_too(weights_file: Callable[[object], Path]) -> None:
    source, model = create_model("resnet18", 5), create_model("resnet18", 5)
    load_weights_file(model, "resnet18", weights_file(source.state_dict()))
    assert torch.equal(model.fc.weight, source.fc.weight)


def test_a_file_with_the_trunk_alone_is_enough(weights_file: Callable[[object], Path]) -> None:
    source, model = create_model("mobilenet_v2", 5), create_model("mobilenet_v2", 5)
    trunk = {name: value for name, value in source.state_dict().items() if name.startswith("features.")}
    load_weights_file(model, "mobilenet_v2", weights_file(trunk))
    assert torch.equal(model.features[18][0].weight, source.features[18][0].weight)


def test_weights_of_another_architecture_are_refused_by_name(weights_file: Callable[[object], Path]) -> None:
    with pytest.raises(JobFailure, match=r"weights\.pth lacks .* of resnet34"):
        load_weights_file(
            create_model("resnet34", 5), "resnet34", weights_file(create_model("resnet18", 5).state_dict())
        )
    with pytest.raises(JobFailure, match=r"weights\.pth has unknown .* of resnet18"):
        load_weights_file(
            create_model("resnet18", 5), "resnet18", weights_file(create_model("resnet34", 5).state_dict())
        )


def test_tensors_of_another_shape_are_refused_by_name(weights_file: Callable[[object], Path]) -> None:
    weights = create_model("resnet18", 5).state_dict() | {"conv1.weight": torch.zeros(64, 1, 7, 7)}
    with pytest.raises(JobFailure, match=r"other shapes for conv1\.weight"):
        load_weights_file(create_model("resnet18", 5), "resnet18", weights_file(weights))


def test_what_is_no_state_dict_is_refused(tmp_path: Path, weights_file: Callable[[object], Path]) -> None:
    model = create_model("resnet18", 5)
    with pytest.raises(JobFailure, match="holds no state_dict"):
        load_weights_file(model, "resnet18", weights_file([1, 2]))
    (tmp_path / "weights.pth").write_bytes(b"text")
    with pytest.raises(JobFailure, match=r"weights\.pth is no state_dict"):
        load_weights_file(model, "resnet18", tmp_path)


def test_the_weights_channel_must_hold_one_file(tmp_path: Path) -> None:
    for folder in (None, tmp_path):
        with pytest.raises(JobFailure, match="one file, not 0"):
            load_weights_file(create_model("resnet18", 5), "resnet18", folder)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder to which torchvision downloads, and a URL that cannot be reached."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub/checkpoints"
    folder.mkdir(parents=True)
    return folder


def name_weights(monkeypatch: pytest.MonkeyPatch, file_name: str) -> None:
    listed = {"IMAGENET1K_V1": SimpleNamespace(url=f"http://localhost:9/models/{file_name}")}
    monkeypatch.setattr(models, "get_model_weights", lambda _: listed)


def test_imagenet_weights_are_taken_from_torchvisions_folder(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a downloaded file whose name carries the beginning of its hash
    source = create_model("resnet18", 1000)
    torch.save(source.state_dict(), hub / "new")
    name = f"resnet18-{hashlib.sha256((hub / 'new').read_bytes()).hexdigest()[:8]}.pth"
    (hub / "new").rename(hub / name)
    name_weights(monkeypatch, name)
    # when
    model = create_model("resnet18", 5)
    load_imagenet(model, "resnet18")
    # then
    assert torch.equal(model.layer4[1].conv2.weight, source.layer4[1].conv2.weight)
    assert model.fc.out_features == 5


def test_imagenet_weights_with_another_hash_are_refused(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save(create_model("resnet18", 1000).state_dict(), hub / "resnet18-00000000.pth")
    name_weights(monkeypatch, "resnet18-00000000.pth")
    with pytest.raises(JobFailure, match=r"resnet18-00000000\.pth is damaged"):
        load_imagenet(create_model("resnet18", 5), "resnet18")


@pytest.mark.usefixtures("hub")
def test_imagenet_weights_out_of_reach_are_named_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    name_weights(monkeypatch, "resnet18-00000000.pth")
    with pytest.raises(JobFailure, match=r"resnet18-00000000\.pth, which cannot be reached.*S3"):
        load_imagenet(create_model("resnet18", 5), "resnet18")


@pytest.mark.skipif(not REAL_TRUNK.exists(), reason=f"{REAL_TRUNK.name} is not here")
def test_the_real_imagenet_trunk_of_mobilenet_loads() -> None:
    model = create_model("mobilenet_v2", 5)
    load_weights_file(model, "mobilenet_v2", REAL_TRUNK.parent)
    # trained batch norms have statistics of their own
    assert not torch.equal(model.features[0][1].running_mean, torch.zeros(32))
