"""The report's plots of a tuning job, of what trials.json holds."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import MaxNLocator

from stocktake.report.plots import BLUE, DOT, GREY, INK, SOFT, drawing, finish, rate, write_shares

SHADES = LinearSegmentedColormap.from_list("shades", ["#cbd5e1", "#60a5fa", "#1e40af"])


@drawing
def objective_over_trials(axes: Axes, tuning: Mapping[str, Any]) -> None:
    """Draw what each trial reached, in the order of creation, and the best so far.

    The dot of a stopped trial is hollow; a trial without a value is a cross at the foot.
    """
    trials = list(enumerate(tuning["trials"], 1))
    valued = [(number, trial) for number, trial in trials if trial["objective"] is not None]
    completed = [(number, trial["objective"]) for number, trial in valued if trial["status"] == "Completed"]
    stopped = [(number, trial["objective"]) for number, trial in valued if trial["status"] != "Completed"]
    valueless = [number for number, trial in trials if trial["objective"] is None]
    if valued:
        best = [*accumulate((trial["objective"] for _, trial in valued), max)]
        # The line goes on to the right edge, also after trials that were not better.
        steps = [*(number for number, _ in valued), len(trials) + 0.5], [*best, best[-1]]
        axes.step(*steps, where="post", color=BLUE, label="best so far", gid="running")
    else:
        axes.set_ylim(0, 1)
    if completed:
        axes.plot(*zip(*completed, strict=True), color=GREY, markersize=8, gid="completed", **DOT)
    if stopped:
        axes.plot(*zip(*stopped, strict=True), "o", color=SOFT, mfc="white", label="stopped", gid="stopped")
    if valueless:
        foot: dict[str, Any] = {"transform": axes.get_xaxis_transform(), "label": "no value", "gid": "valueless"}
        axes.plot(valueless, [0.04] * len(valueless), "x", color=SOFT, **foot)
    for number, trial in valued:
        if trial["name"] == tuning["best"]:
            axes.plot(number, trial["objective"], color=BLUE, markersize=10, gid="best", **DOT)
    axes.set_xlim(0.5, len(trials) + 0.5)
    write_shares(axes)
    finish(axes, tuning["objective"].replace(":", " "), "trial")


@drawing
def parallel_coordinates(axes: Axes, tuning: Mapping[str, Any]) -> None:
    """Draw each trial as a line through what it tried and what it reached: the darker the better, the best one bold.

    A dotted line is a trial without a value.
    """
    ranges, trials = tuning["ranges"], tuning["trials"]
    reached = [trial["objective"] for trial in trials if trial["objective"] is not None]
    tried = {
        "learningRate": _logarithmic("learning rate", *ranges["learningRate"]),
        "batchSize": _categorical("batch size", ranges["batchSize"]),
        "epochs": _linear("epochs", *ranges["epochs"]),
    }
    objective = _measured(tuning["objective"].split(":")[-1], reached)
    for trial in trials:
        places = [scale.place(trial["hyperparameters"][name]) for name, scale in tried.items()]
        if trial["objective"] is None:
            axes.plot(places, color=GREY, linestyle=":", linewidth=1.2, gid="valueless")
            continue
        share, best = objective.place(trial["objective"]), trial["name"] == tuning["best"]
        width, order = (4, 3) if best else (1.5, 2 + share / 2)
        gid = "best" if best else "trial"
        axes.plot([*places, share], color=SHADES(share), linewidth=width, zorder=order, gid=gid)
    box = {"facecolor": "white", "alpha": 0.95, "edgecolor": "none", "pad": 0.4}
    for i, scale in enumerate((*tried.values(), objective)):
        # No line runs right of the last axis.
        shift, side = (0.05, "left") if scale is objective else (-0.05, "right")
        axes.plot([i, i], [0, 1], color=SOFT, linewidth=1, zorder=4)
        axes.text(i, 1.1, scale.title, color=INK, ha="center")
        for value, label in scale.ticks:
            axes.text(i + shift, scale.place(value), label, ha=side, va="center", bbox=box, zorder=5)
    axes.set_ylim(-0.06, 1.2)
    axes.axis("off")


class _Scale(NamedTuple):
    """One of the parallel axes: where a value lies on it, from 0 at the foot to 1, and the values written beside."""

    title: str
    place: Callable[[float], float]
    ticks: list[tuple[float, str]]


def _logarithmic(title: str, low: float, high: float) -> _Scale:
    decades = [10.0**power for power in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)]
    ticks = [(tick, rate(tick)) for tick in (decades if len(decades) > 1 else [low, high])]
    return _Scale(title, lambda value: _share(math.log(value), math.log(low), math.log(high)), ticks)


def _categorical(title: str, values: Sequence[int]) -> _Scale:
    ordered = sorted(values)
    ticks = [(float(value), str(value)) for value in ordered]
    return _Scale(title, lambda value: _share(ordered.index(int(value)), 0, len(ordered) - 1), ticks)


def _linear(title: str, low: int, high: int) -> _Scale:
    round_values = MaxNLocator(5, steps=[1, 2, 5, 10], integer=True).tick_values(low, high)
    ticks = [(value, f"{value:g}") for value in round_values if low <= value <= high]
    return _Scale(title, lambda value: _share(value, low, high), ticks)


def _measured(title: str, values: Sequence[float]) -> _Scale:
    ends = sorted({min(values), max(values)}) if values else []
    return _Scale(title, lambda value: _share(value, ends[0], ends[-1]), [(end, f"{end:.1%}") for end in ends])


def _share(value: float, low: float, high: float) -> float:
    return (value - low) / (high - low) if high > low else 0.5
