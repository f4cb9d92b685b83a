"""How busy the machine is: measuring it, showing it, judging it."""

import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from stocktake.debugging.evaluation import judge_utilisation
from stocktake.debugging.rules.low_utilisation import low_utilisation
from stocktake.debugging.utilisation import Samples, UtilisationSampler, downsampled, read_samples

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def sampled(file: Path, seconds: float = 0.3) -> Samples:
    sampler = UtilisationSampler(file, interval=0.1)
    sampler.start()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        sum(range(1000))
    sampler.stop()
    return read_samples(file)


def constant(percent: float, number: int = 200, processor: str = "cpu") -> Samples:
    return {"seconds": [0.5 * n for n in range(number)], processor: [percent] * number}


def test_a_busy_machine_is_measured_as_busy_for_as_long_as_it_is_watched(tmp_path: Path) -> None:
    samples = sampled(tmp_path / "utilisation.csv", 0.6)
    assert list(samples) == ["seconds", "cpu", "memory"]
    assert 2 <= len(samples["seconds"]) <= 6
    assert samples["seconds"] == sorted(samples["seconds"])
    assert all(0 < percent <= 100 for percent in samples["cpu"] + samples["memory"])
    before = (tmp_path / "utilisation.csv").read_text()
    time.sleep(0.2)
    assert (tmp_path / "utilisation.csv").read_text() == before


class FakeNvml:
    """Two GPUs: the edge of this machine, which has none."""

    def __init__(self, supported: bool = True):
        self.supported = supported

    def nvmlInit(self) -> None: ...

    def nvmlDeviceGetCount(self) -> int:
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetUtilizationRates(self, gpu: int) -> SimpleNamespace:
        if not self.supported:
            raise RuntimeError("Not Supported")
        return SimpleNamespace(gpu=[40, 60][gpu], memory=1)

    def nvmlDeviceGetMemoryInfo(self, gpu: int) -> SimpleNamespace:
        return SimpleNamespace(used=[4, 8][gpu] * 2**30, total=16 * 2**30)


def test_gpus_are_measured_where_there_are_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml())  # type: ignore[arg-type]
    samples = sampled(tmp_path / "utilisation.csv")
    assert set(samples["gpu"]) == {50}
    assert set(samples["gpuMemory"]) == {37.5}
    assert (tmp_path / "utilisation.csv").read_text().splitlines()[0] == "seconds,cpu,memory,gpu,gpuMemory"


@pytest.mark.parametrize("nvml", [None, FakeNvml(supported=False)], ids=["no package", "part of a GPU"])
def test_gpus_that_cannot_be_measured_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nvml: FakeNvml | None
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", nvml)  # type: ignore[arg-type]
    assert "gpu" not in sampled(tmp_path / "utilisation.csv")


def test_a_sampler_that_cannot_write_says_so_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sampler = UtilisationSampler(tmp_path / "missing/utilisation.csv", interval=0.01)
    sampler.start()
    sampler.stop()
    assert capsys.readouterr().out.startswith("debugging: utilisation is no longer measured (FileNotFoundError")


def test_a_training_that_is_over_before_the_first_measurement_has_no_samples(tmp_path: Path) -> None:
    sampler = UtilisationSampler(tmp_path / "utilisation.csv")
    sampler.start()
    sampler.stop()
    samples = read_samples(sampler.file)
    assert samples == {"seconds": [], "cpu": [], "memory": []}
    assert downsampled(samples) == {"seconds": [], "cpu": [], "memory": [], "gpu": None}
    assert judge_utilisation(samples, CPU) == {}


def test_a_plot_gets_means_of_at_most_500_stretches() -> None:
    number = 1203
    samples = {"seconds": [n / 2 for n in range(number)], "cpu": [float(n % 3) for n in range(number)]}
    points = downsampled(samples | {"memory": [50.0] * number, "gpu": [90.0] * number, "gpuMemory": [10.0] * number})
    assert list(points) == ["seconds", "cpu", "memory", "gpu"]
    assert points["cpu"] == [1.0] * 401
    assert points["seconds"] is not None
    assert points["seconds"][:2] == [0.5, 2.0]
    assert points["gpu"] == [90.0] * 401


def test_few_measurements_are_shown_as_they_are() -> None:
    samples = {"seconds": [0.5, 1.0], "cpu": [10.0, 20.0], "memory": [30.0, 30.0]}
    assert downsampled(samples) == {**samples, "gpu": None}


def test_an_idle_processor_is_under_utilised() -> None:
    reason = low_utilisation([40.0] * 100, list(range(100)))
    assert reason == "From second 0 to 99 the 95th percentile of utilisation is 40%, below 70%."


def test_a_processor_that_waits_in_between_fluctuates() -> None:
    utilisation = [95.0] * 90 + [2.0] * 10
    np.random.default_rng(0).shuffle(utilisation)
    reason = low_utilisation(utilisation, list(range(100)))
    assert reason == "From second 0 to 99 utilisation fluctuates: its 5th percentile is 2%, its 95th 95%."


def test_a_busy_processor_is_no_issue() -> None:
    assert low_utilisation([85.0] * 1200, list(range(1200))) == ""


def test_an_idle_stretch_late_in_a_long_training_is_found() -> None:
    # given windows of 500 measurements
    reason = low_utilisation([90.0] * 1000 + [10.0] * 500, list(range(1500)))
    assert reason is not None
    assert reason.startswith("From second 1000 to 1499")


def test_too_few_measurements_are_not_judged() -> None:
    assert low_utilisation([0.0] * 59, list(range(59))) is None


def test_the_rule_for_the_processor_that_trains_is_applied() -> None:
    assert set(judge_utilisation(constant(90), CPU)) == {"low_cpu_utilization"}
    assert judge_utilisation(constant(90), CPU)["low_cpu_utilization"]["status"] == "NoIssuesFound"
    assert judge_utilisation(constant(30), CPU)["low_cpu_utilization"]["status"] == "IssuesFound"
    on_gpu = constant(30) | constant(90, processor="gpu")
    assert judge_utilisation(on_gpu, CUDA) == {"low_gpu_utilization": {"status": "NoIssuesFound", "reason": ""}}
    assert judge_utilisation(constant(30), CUDA) == {}
