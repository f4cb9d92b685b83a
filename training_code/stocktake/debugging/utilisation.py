"""How busy the machine is, measured while it trains."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import TypeAlias

import numpy as np
import psutil

from stocktake.debugging.packages import use_bundled_packages
from stocktake.debugging.tolerance import tolerated

Samples: TypeAlias = dict[str, list[float]]
"""Columns of equal length: `seconds` since the start; in percent `cpu`, `memory`; with a GPU, `gpu`, `gpuMemory`."""

MACHINE, GPU = ("seconds", "cpu", "memory"), ("gpu", "gpuMemory")


class UtilisationSampler:
    """Measures in a thread and writes each measurement to a CSV file at once, so that memory stays bounded.

    Parameters
    ----------
    file
        An existing one is replaced.
    interval
        Seconds between two measurements; AWS's profiler takes the same by default.
    """

    def __init__(self, file: Path, interval: float = 0.5):
        self.file, self.interval = file, interval
        self.measure_gpus = find_gpus()
        self.stopped = Event()
        self.thread = Thread(target=self._run, name="utilisation", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        self.stopped.set()
        self.thread.join()

    def _run(self) -> None:
        started = time.monotonic()
        psutil.cpu_percent()  # the next call of this thread measures since this one
        with tolerated("utilisation is no longer measured"), self.file.open("w", buffering=1) as lines:
            print(*MACHINE, *(GPU if self.measure_gpus else ()), sep=",", file=lines)
            while not self.stopped.wait(self.interval):
                row = (time.monotonic() - started, psutil.cpu_percent(), psutil.virtual_memory().percent)
                gpus = self.measure_gpus() if self.measure_gpus else ()
                print(*(f"{value:.1f}" for value in (*row, *gpus)), sep=",", file=lines)


def find_gpus() -> Callable[[], tuple[float, float]] | None:
    """A function that measures the utilisation and the memory in use of all GPUs, mean percentages; None without GPU.

    Replicas of a model keep the GPUs of a machine equally busy, so their mean tells of each.
    """
    use_bundled_packages()
    try:
        import pynvml as nvml

        nvml.nvmlInit()
        gpus = [nvml.nvmlDeviceGetHandleByIndex(index) for index in range(nvml.nvmlDeviceGetCount())]

        def measure() -> tuple[float, float]:
            busy = [nvml.nvmlDeviceGetUtilizationRates(gpu).gpu for gpu in gpus]
            memory = [nvml.nvmlDeviceGetMemoryInfo(gpu) for gpu in gpus]
            return float(np.mean(busy)), float(np.mean([100 * one.used / one.total for one in memory]))

        measure()
    except Exception:  # no package, no driver, no GPU, a part of one: nothing can be measured
        return None
    return measure


def read_samples(file: Path) -> Samples:
    """What a sampler has written."""
    header, *lines = file.read_text().splitlines()
    names = header.split(",")
    table = np.loadtxt(lines, delimiter=",", ndmin=2) if lines else np.empty((0, len(names)))
    return {name: column.tolist() for name, column in zip(names, table.T, strict=True)}


def downsampled(samples: Samples, points: int = 500) -> dict[str, list[float] | None]:
    """Means over stretches of equal length, at most `points`, for a plot.

    Returns
    -------
    dict
        `seconds`, `cpu`, `memory` and `gpu` (None without GPU), to one decimal.
    """
    number = len(samples["seconds"])
    length = max(1, math.ceil(number / points))

    def means(column: list[float]) -> list[float]:
        return [round(float(np.mean(column[start : start + length])), 1) for start in range(0, number, length)]

    return {name: means(samples[name]) if name in samples else None for name in (*MACHINE, "gpu")}
