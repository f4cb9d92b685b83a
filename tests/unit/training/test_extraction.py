"""The job that extracts features: in one number format, on every device of the instance, once to the CPU a shard."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from synthetic_shards import LABELS, write_split
from test_train_job import INTERPRETER
from torch import nn

import extract_features
from stocktake.data.features import NotFinite, extract
from stocktake.data.shards import ShardDataset
from stocktake.failures import JobFailure
from stocktake.model.preprocessing import Preprocessing
from stocktake.training.weights import starting_trunk

CPU = torch.device("cpu")


@pytest.fixture
def run(splits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, torch.Tensor]]:
    def run(devices: int = 1, shards: Path = splits) -> dict[str, torch.Tensor]:
        """Run the job as on an instance with so many devices; the features that it wrote, by file."""
        output = tmp_path / f"on {devices}/processing/output"
        command = ["--architecture", "resnet18", "--weights", "none", "--seed", "3", "--image-size", "32"]
        monkeypatch.setattr("sys.argv", ["x", *command, "--input", str(shards), "--output", str(output)])
        monkeypatch.setattr("extract_features.usable_devices", lambda: [CPU] * devices)
        extract_features.run(extract_features.parse_arguments())
        return {str(file.relative_to(output)): torch.load(file)["features"] for file in sorted(output.rglob("*.pt"))}

    return run


def large_trunk(factor: float) -> Callable[..., nn.Module]:
    """A trunk whose last batch norm makes its values so many times larger."""

    def create(architecture: str, seed: int, weights: None) -> nn.Module:
        trunk = starting_trunk(architecture, seed, weights)
        norm = trunk.get_submodule("layer4.1.bn2")
        assert isinstance(norm, nn.BatchNorm2d)
        nn.init.constant_(norm.weight, factor)
        return trunk

    return create


def in_format(monkeypatch: pytest.MonkeyPatch, precision: torch.dtype) -> None:
    monkeypatch.setattr("extract_features.fastest_precision", lambda _device: precision)


def test_a_trunk_whose_values_float16_does_not_hold_is_computed_in_float32_and_the_log_says_so(
    run: Callable[..., dict[str, torch.Tensor]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # given values beyond 65,504
    in_format(monkeypatch, torch.float16)
    monkeypatch.setattr("extract_features.starting_trunk", large_trunk(1e7))
    # when
    features = run()
    # then all files are in one format, finite, and of such values
    assert {values.dtype for values in features.values()} == {torch.float32}
    assert all(values.isfinite().all() for values in features.values())
    assert max(values.max() for values in features.values()) > 65_504
    said = capsys.readouterr().out
    assert "train-00000.tar: resnet18 in torch.float16 makes values of train0000.jpg that are no finite numbers" in said
    assert "All features are computed in float32 instead." in said


def test_a_trunk_that_float16_holds_stays_in_it(
    run: Callable[..., dict[str, torch.Tensor]], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_format(monkeypatch, torch.float16)
    assert {values.dtype for values in run().values()} == {torch.float16}


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_a_trunk_that_makes_no_numbers_at_all_ends_the_job(
    run: Callable[..., dict[str, torch.Tensor]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, precision: torch.dtype
) -> None:
    in_format(monkeypatch, precision)
    monkeypatch.setattr("extract_features.starting_trunk", large_trunk(float("nan")))
    with pytest.raises(JobFailure, match=r"in torch\.float32 makes values of train0000\.jpg .* Check the weights"):
        run()
    assert not list(tmp_path.rglob("*.pt"))


def test_features_leave_the_device_once_a_shard(splits: Path, tmp_path: Path) -> None:
    moved = []

    class Watched(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if func is torch.Tensor.cpu:
                moved.append(len(args[0]))
            return func(*args, **(kwargs or {}))

    images = ShardDataset("train", splits / "train", LABELS, Preprocessing(32))
    trunk = starting_trunk("resnet18", 3, None)
    settings: dict[str, Any] = {"architecture": "resnet18", "precision": torch.float32, "device": CPU}
    with Watched():
        extract(trunk, images, tmp_path, **settings, mirrored=True, batch_size=5)
    assert moved == [23, 22]


def test_the_devices_of_an_instance_extract_side_by_side_what_one_does_alone(
    run: Callable[..., dict[str, torch.Tensor]], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PYTHONPATH", INTERPRETER["PYTHONPATH"])
    alone, together = run(1), run(2)
    assert list(alone) == list(together)
    assert all(torch.equal(values, together[file]) for file, values in alone.items())
    assert "on cpu, cpu" in capfd.readouterr().out


def test_what_fails_on_one_device_ends_the_job_with_its_sentence(
    run: Callable[..., dict[str, torch.Tensor]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # given a damaged photo in the second of two shards, which the second process has
    monkeypatch.setenv("PYTHONPATH", INTERPRETER["PYTHONPATH"])
    for split in ("train", "valid", "test"):
        write_split(tmp_path / "shards", split, 3, shards=2 if split == "train" else 1)
    shard = tmp_path / "shards/train/train-00001.tar"
    shard.write_bytes(shard.read_bytes().replace(b"\xff\xd8\xff", b"\0\0\0", 1))
    with pytest.raises(JobFailure, match=r"train-00001\.tar: train0001\.jpg: .* Pack the dataset again"):
        run(2, tmp_path / "shards")


def test_an_error_of_values_survives_the_way_between_processes() -> None:
    import pickle

    for error in (NotFinite("A sentence."), torch.OutOfMemoryError("CUDA out of memory.")):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert str(again) == str(error)
