"""The report's plots, each an SVG drawing to put into a page: the same data give the same bytes."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from io import StringIO
from statistics import fmean
from typing import Any, Concatenate, ParamSpec

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

Given = ParamSpec("Given")

WIDTH, HEIGHT = 400, 210
MOST_SAMPLES = 120
# The page's colours.
INK, SOFT, GREY, LINE = "#1d2733", "#64748b", "#94a3b8", "#e2e8f0"
BLUE, ORANGE, GREEN = "#2563eb", "#ea7317", "#15803d"
SPLITS = {"train": ("training", ORANGE), "validation": ("validation", BLUE), "test": ("test", GREEN)}
METERS = {"cpu": ("CPU", BLUE), "memory": ("memory", ORANGE), "gpu": ("GPU", GREEN)}
DOT: dict[str, Any] = {"marker": "o", "mec": "white", "mew": 1.5, "linestyle": "none", "clip_on": False}
STYLE = {
    "svg.fonttype": "none",
    "savefig.facecolor": "none",
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "text.color": SOFT,
    "axes.facecolor": "none",
    "axes.edgecolor": LINE,
    "axes.labelcolor": SOFT,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 12,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "grid.color": LINE,
    "legend.frameon": False,
    "legend.fontsize": 10,
    "legend.handlelength": 1.3,
    "legend.handletextpad": 0.5,
    "legend.columnspacing": 1.0,
    "legend.borderaxespad": 0.2,
    "lines.linewidth": 2.2,
    "xtick.color": SOFT,
    "xtick.major.size": 0,
    "ytick.color": SOFT,
    "ytick.major.size": 0,
}


def drawing(draw: Callable[Concatenate[Axes, Given], None]) -> Callable[Given, str]:
    """Make of a function that draws on axes one that returns the drawing as an <svg> element."""

    @wraps(draw)
    def svg(*args: Given.args, **kwargs: Given.kwargs) -> str:
        # From the salt matplotlib makes the ids of shared shapes: a page may hold an id only once.
        salt = repr((draw.__name__, args, kwargs))
        with matplotlib.rc_context(STYLE | {"svg.hashsalt": salt}):
            figure, file = Figure(figsize=(WIDTH / 72, HEIGHT / 72), layout="constrained"), StringIO()
            draw(figure.add_subplot(), *args, **kwargs)
            figure.savefig(file, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
        text = file.getvalue()
        # Its groups, though, are numbered anew in each drawing.
        return text[text.index("<svg") :].replace('<g id="', '<g class="')

    return svg


@drawing
def learning_curve(axes: Axes, history: Sequence[Mapping[str, float]], best: Mapping[str, float], measure: str) -> None:
    """Draw `loss` or `accuracy` over epochs: a line for each split that was measured, a dot at the best epoch."""
    for split, (label, colour) in SPLITS.items():
        column = f"{split}:{measure}"
        rows = [row for row in history if column in row]
        if rows:
            epochs, values = [row["epoch"] for row in rows], [row[column] for row in rows]
            axes.plot(epochs, values, _marker(rows), color=colour, label=label, gid=split)
    axes.plot(best["epoch"], best[f"validation:{measure}"], color=BLUE, markersize=9, gid="best", **DOT)
    if measure == "accuracy":
        write_shares(axes)
    axes.set_xlim(0.5, len(history) + 0.5)
    finish(axes, measure, "epoch")


@drawing
def utilisation(axes: Axes, samples: Mapping[str, Sequence[float] | None]) -> None:
    """Draw `cpu`, `memory` and, where there is one, `gpu` in percent over `seconds` since the start.

    Many samples are drawn as means of neighbours, as lines that go up and down at every pixel show nothing.
    """
    seconds = samples["seconds"] or []
    unit, length = ("minutes", 60) if max(seconds) > 300 else ("seconds", 1)
    together = math.ceil(len(seconds) / MOST_SAMPLES)
    times = [second / length for second in _means(seconds, together)]
    for name, (label, colour) in METERS.items():
        if values := samples[name]:
            drawn = _means(values, together)
            axes.plot(times, drawn, _marker(drawn), color=colour, label=label, linewidth=1.6, gid=name)
    axes.set_ylim(0, 104)
    axes.yaxis.set_major_formatter(lambda value, _position: f"{value:g}%")
    finish(axes, "utilisation", unit)


def finish(axes: Axes, title: str, horizontal: str) -> None:
    """Add the title, the horizontal axis' name, a few round ticks and, if anything drawn has a label, the legend."""
    axes.set_title(title)
    axes.set_xlabel(horizontal, loc="right")
    axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3)


def write_shares(axes: Axes) -> None:
    """Write the vertical axis' values, shares of 1, in percent."""
    axes.yaxis.set_major_formatter(lambda share, _position: f"{100 * share:.3g}%")


def rate(value: float) -> str:
    """A learning rate as people write it: 0.0005, 1e-5."""
    return f"{value:.4g}".replace("e-0", "e-")


def _means(values: Sequence[float], together: int) -> list[float]:
    return [fmean(values[i : i + together]) for i in range(0, len(values), together)]


def _marker(points: Sequence[object]) -> str:
    return "o" if len(points) == 1 else "-"  # of one point no line can be seen
