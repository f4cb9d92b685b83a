"""Where training starts from: random weights of a seed, a file of weights, or a model that was trained before."""

import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from stocktake.failures import JobFailure
from stocktake.model.network import create_model
from stocktake.training.weights import read_weights, starting_head, starting_trunk

REAL_TRUNK = Path(__file__).parents[4] / "shared/weights/mobilenet_v2_imagenet_trunk.pth"


@pytest.fixture
def weights_file(tmp_path: Path) -> Callable[[object], Path]:
    """Put content into a `weights` channel; returns the channel's folder."""

    def save(content: object) -> Path:
        torch.save(content, tmp_path / "weights.pth")
        return tmp_path

    return save


def linear(head: nn.Module) -> nn.Linear:
    [found] = [module for module in head.modules() if isinstance(module, nn.Linear)]
    return found


@pytest.mark.parametrize("architecture", ["resnet18", "mobilenet_v2"])
def test_without_weights_a_seed_gives_the_same_start_whether_the_trunk_is_made_or_not(architecture: str) -> None:
    trunk = starting_trunk(architecture, 3, None)
    one = starting_head(architecture, 4, 3, None)
    other = starting_head(architecture, 4, 3, None)
    assert torch.equal(linear(one).weight, linear(other).weight)
    assert not torch.equal(linear(one).weight, linear(starting_head(architecture, 4, 4, None)).weight)
    again = starting_trunk(architecture, 3, None).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in trunk.state_dict().items())


def test_a_file_of_other_classes_gives_its_trunk_and_a_new_head(weights_file: Callable[[object], Path]) -> None:
    source = create_model("resnet18", 1000)
    weights = read_weights(weights_file(source.state_dict()))
    assert torch.equal(starting_trunk("resnet18", 0, weights).conv1.weight, source.conv1.weight)
    head, new = starting_head("resnet18", 5, 0, weights), starting_head("resnet18", 5, 0, None)
    assert torch.equal(linear(head).weight, linear(new).weight)


@pytest.mark.parametrize("key", [None, "state_dict", "model"])
@pytest.mark.parametrize("architecture", ["resnet18", "mobilenet_v2"])
def test_a_file_of_the_same_labels_gives_its_head_too(
    weights_file: Callable[[object], Path], architecture: str, key: str | None
) -> None:
    state = create_model(architecture, 5).state_dict()
    weights = read_weights(weights_file({key: state, "epoch": 3} if key else state))
    name = "fc.weight" if architecture == "resnet18" else "classifier.1.weight"
    assert torch.equal(linear(starting_head(architecture, 5, 0, weights)).weight, state[name])


def test_a_trained_models_artifact_is_a_start(tmp_path: Path, artifact: Path) -> None:
    # given the model.tar.gz of an earlier training
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as archive:
        archive.add(artifact, arcname=".")
    # when
    weights = read_weights(tmp_path)
    # then
    saved = torch.load(artifact / "model.pt")
    assert torch.equal(starting_trunk("resnet18", 0, weights).conv1.weight, saved["conv1.weight"])
    assert torch.equal(linear(starting_head("resnet18", 3, 0, weights)).weight, saved["fc.weight"])


@pytest.mark.parametrize("content", [b"no archive", b""])
def test_what_is_no_artifact_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.tar.gz").write_bytes(content)
    with pytest.raises(JobFailure, match=r"model\.tar\.gz is damaged or no trained model's artifact"):
        read_weights(tmp_path)


def test_an_archive_without_a_model_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz"):
        pass
    with pytest.raises(JobFailure, match=r"no trained model's artifact"):
        read_weights(tmp_path)


def test_a_file_with_the_trunk_alone_is_enough(weights_file: Callable[[object], Path]) -> None:
    source = create_model("mobilenet_v2", 5)
    trunk = {name: value for name, value in source.state_dict().items() if name.startswith("features.")}
    started = starting_trunk("mobilenet_v2", 0, read_weights(weights_file(trunk)))
    assert torch.equal(started.features[18][0].weight, source.features[18][0].weight)


def test_weights_of_another_architecture_are_refused_by_name() -> None:
    small, large = create_model("resnet18", 5).state_dict(), create_model("resnet34", 5).state_dict()
    with pytest.raises(JobFailure, match=r"lack .* of resnet34\. Give weights of that architecture"):
        starting_trunk("resnet34", 0, small)
    with pytest.raises(JobFailure, match=r"have unknown .* of resnet18"):
        starting_trunk("resnet18", 0, large)


def test_tensors_of_another_shape_are_refused_by_name() -> None:
    weights = create_model("resnet18", 5).state_dict() | {"conv1.weight": torch.zeros(64, 1, 7, 7)}
    with pytest.raises(JobFailure, match=r"other shapes for conv1\.weight"):
        starting_trunk("resnet18", 0, weights)


def test_what_is_no_state_dict_is_refused(tmp_path: Path, weights_file: Callable[[object], Path]) -> None:
    with pytest.raises(JobFailure, match="holds no state_dict"):
        read_weights(weights_file([1, 2]))
    (tmp_path / "weights.pth").write_bytes(b"text")
    with pytest.raises(JobFailure, match=r"weights\.pth is no state_dict"):
        read_weights(tmp_path)


def test_the_weights_channel_must_hold_one_file(tmp_path: Path) -> None:
    for folder in (None, tmp_path):
        with pytest.raises(JobFailure, match="one file, not 0"):
            read_weights(folder)


@pytest.mark.skipif(not REAL_TRUNK.exists(), reason=f"{REAL_TRUNK.name} is not here")
def test_the_real_imagenet_trunk_of_mobilenet_loads() -> None:
    trunk = starting_trunk("mobilenet_v2", 0, read_weights(REAL_TRUNK.parent))
    # trained batch norms have statistics of their own
    assert not torch.equal(trunk.features[0][1].running_mean, torch.zeros(32))
