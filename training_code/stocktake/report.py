"""The evaluation's report: one HTML page that needs nothing else."""

import base64
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from stocktake.artifact import ModelDescription

SHOWN = 24
CURVE_WIDTH, CURVE_HEIGHT = 420, 170


def choose_samples(predictions: Sequence[dict[str, Any]], wanted: int) -> list[int]:
    """Positions of up to `wanted` predictions, wrong and right ones by turns as far as there are both.

    The choice depends on the ids only, so that two models are shown on much the same pictures.
    """
    order = sorted(range(len(predictions)), key=lambda i: sha256(predictions[i]["id"].encode()).digest())
    wrong = [i for i in order if predictions[i]["predicted"] != predictions[i]["count"]]
    right = [i for i in order if predictions[i]["predicted"] == predictions[i]["count"]]
    paired = [i for pair in zip(wrong, right, strict=False) for i in pair]
    rest = wrong[len(right) :] + right[len(wrong) :]
    return (paired + rest)[:wanted]


def render(
    description: ModelDescription, metrics: dict[str, Any], samples: Sequence[tuple[dict[str, Any], bytes]]
) -> str:
    """Render the page.

    Parameters
    ----------
    description
        The model and how it was trained.
    metrics
        As `counting_metrics` returns them.
    samples
        Rows of predictions.jsonl with the image file that each is about.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = lambda share: f"{100 * share:.1f}%"
    history = description.training["history"]
    pictures = [row | {"uri": _data_uri(image)} for row, image in samples[:SHOWN]]
    return environment.get_template("report.html.j2").render(
        model=description,
        training=description.training,
        metrics=metrics,
        curves=[_curve(history, measure) for measure in ("loss", "accuracy")] if len(history) > 1 else [],
        width=CURVE_WIDTH,
        height=CURVE_HEIGHT,
        wrong=[row for row in pictures if row["predicted"] != row["count"]],
        right=[row for row in pictures if row["predicted"] == row["count"]],
    )


def _data_uri(image: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(image).decode()


def _curve(history: Sequence[dict[str, float]], measure: str) -> dict[str, Any]:
    """Points of the training and validation lines of one measure, in the drawing's coordinates."""
    lines = {split: [row[f"{split}:{measure}"] for row in history] for split in ("train", "validation")}
    values = [value for line in lines.values() for value in line]
    low, high = min(values), max(values)
    step, scale = CURVE_WIDTH / (len(history) - 1), CURVE_HEIGHT / ((high - low) or 1)
    points = {
        split: [(round(i * step, 1), round((high - value) * scale, 1)) for i, value in enumerate(line)]
        for split, line in lines.items()
    }
    return {"measure": measure, "low": low, "high": high, "epochs": len(history), "points": points}
