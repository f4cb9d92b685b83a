"""A trace of a few training steps, operator by operator."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile, schedule

from stocktake.debugging.tolerance import tolerated

WAIT, WARM_UP, ACTIVE = 2, 1, 3
ROWS = 15


@contextmanager
def traced(model: nn.Module, file: Path, device: torch.device) -> Iterator[None]:
    """Record training steps 3 to 5 within the context, as a file for chrome://tracing or Perfetto, and print the top.

    Parameters
    ----------
    file
        Ends in .json.gz.
    """
    activities = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * (device.type == "cuda")

    def export(finished: profile) -> None:
        steps.remove()
        with tolerated("the trace is not written"):
            finished.export_chrome_trace(str(file))
        print(finished.key_averages().table(sort_by=f"self_{device.type}_time_total", row_limit=ROWS), flush=True)

    def begin_step(*_: object) -> None:
        if torch.is_grad_enabled():
            profiler.step()

    plan = schedule(wait=WAIT, warmup=WARM_UP, active=ACTIVE, repeat=1)
    profiler = profile(activities=activities, schedule=plan, on_trace_ready=export)
    steps = model.register_forward_pre_hook(begin_step)
    with profiler:
        yield
    steps.remove()
