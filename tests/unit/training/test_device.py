"""A GPU that cannot be used ends the job: on its instance's CPU it would crawl until the time limit."""

from pathlib import Path

import pytest
import torch
from synthetic_shards import LABELS

import extract_features
from stocktake.failures import JobFailure
from stocktake.training import device, job
from stocktake.training.distributed import World
from stocktake.training.hyperparameters import Hyperparameters


@pytest.fixture
def unusable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of devices of an instance with a GPU, and a PyTorch for GPUs that finds none."""
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/nvidia0").touch()
    monkeypatch.setattr("torch.version.cuda", "13.3")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return tmp_path / "dev"


def too_old() -> None:
    raise RuntimeError("The NVIDIA driver on your system is too old (found version 12040).\nPlease update it.")


def test_a_gpu_that_cannot_be_used_ends_the_job_with_the_reason(
    unusable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.init", too_old)
    with pytest.raises(JobFailure) as failure:
        device.usable_device(unusable)
    sentence = str(failure.value)
    assert sentence.startswith(
        f"This instance has a GPU that PyTorch {torch.__version__} cannot use: The NVIDIA driver"
    )
    assert "too old (found version 12040). Use an instance type whose driver runs CUDA 13.3" in sentence


def test_feature_extraction_tells_so_and_reads_no_image(
    unusable: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When extract_features.py is run there, Then its sentence is where SageMaker looks, and nothing is computed."""
    monkeypatch.setattr("stocktake.training.device.usable_device.__defaults__", (unusable,))
    (tmp_path / "output").mkdir()
    arguments = {"--architecture": "resnet18", "--weights": "none", "--seed": "0", "--image-size": "32"}
    arguments |= {"--input": str(tmp_path / "absent"), "--output": str(tmp_path / "processing/output")}
    monkeypatch.setattr("sys.argv", ["extract_features.py", *(part for pair in arguments.items() for part in pair)])
    with pytest.raises(SystemExit):
        extract_features.main()
    assert (tmp_path / "output/message").read_text().startswith("This instance has a GPU that PyTorch")


def test_training_does_not_crawl_either(unusable: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stocktake.training.device.usable_device.__defaults__", (unusable,))
    recipe = Hyperparameters("resnet18", "none", "head", 0.01, 10, 1, seed=3, image_size=32, labels=LABELS)
    with pytest.raises(JobFailure, match="has a GPU that PyTorch"):
        job.prepare(recipe, World())


@pytest.mark.parametrize("found", ["no GPU", "a PyTorch for CPUs", "a wish for the CPU"])
def test_without_a_gpu_to_use_the_cpu_computes(unusable: Path, monkeypatch: pytest.MonkeyPatch, found: str) -> None:
    if found == "no GPU":
        (unusable / "nvidia0").rename(unusable / "nvidiactl")
    elif found == "a PyTorch for CPUs":
        monkeypatch.setattr("torch.version.cuda", None)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert device.usable_device(unusable) == torch.device("cpu")


def test_every_gpu_is_used_and_a_cpu_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    # given an instance with four GPUs
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    taken: list[torch.device] = []
    monkeypatch.setattr("torch.cuda.set_device", taken.append)
    monkeypatch.setattr("torch.backends.cudnn.benchmark", False)
    # then a CPU changes nothing, and each GPU becomes a process's own, where cuDNN compares its algorithms
    device.take(torch.device("cpu"))
    assert not torch.backends.cudnn.benchmark
    found = device.usable_devices()
    assert found == [torch.device("cuda", number) for number in range(4)]
    device.take(found[3])
    assert taken == [torch.device("cuda", 3)]
    assert torch.backends.cudnn.benchmark
