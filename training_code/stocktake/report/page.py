"""The evaluation's report: one HTML page that needs nothing else."""

import base64
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from photo_file import thumbnail
from stocktake.model.artifact import ModelDescription
from stocktake.report import plots, tuning_plots

SHOWN = 24
SHOWN_SIDE = 320
"""Pixels of a sample's longer side: the files themselves may have megabytes."""
# What models trained by earlier versions do not tell.
UNTOLD: dict[str, Any] = {
    "rules": {},
    "ruleFindings": {},
    "utilisation": None,
    "world": None,
    "recipe": {"keep": "best"},
}


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
    description: ModelDescription,
    metrics: dict[str, Any],
    samples: Sequence[tuple[dict[str, Any], bytes]],
    tuning: dict[str, Any] | None = None,
) -> str:
    """Render the page.

    Parameters
    ----------
    description
        The model and how it was trained.
    metrics
        As `counting_metrics` returns them, with `champion` (the comparison, or None) and `release` (the decision).
    samples
        Rows of predictions.jsonl with the image file that each is about.
    tuning
        The content of trials.json, when a tuning job chose the hyperparameters.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = lambda share: f"{100 * share:.1f}%"
    environment.filters["points"] = lambda share: f"{100 * share:+.1f}"
    environment.filters["rate"] = plots.rate
    training = UNTOLD | description.training
    pictures = [row | {"uri": _data_uri(image)} for row, image in samples[:SHOWN]]
    return environment.get_template("page.html.j2").render(
        model=description,
        training=training,
        training_plots=_training_plots(training),
        tuning=tuning,
        tuning_plots=_tuning_plots(tuning) if tuning else {},
        metrics=metrics,
        wrong=[row for row in pictures if row["predicted"] != row["count"]],
        right=[row for row in pictures if row["predicted"] == row["count"]],
    )


def _training_plots(training: Mapping[str, Any]) -> dict[str, Markup]:
    """Drawings by what they show."""
    history, best, utilisation = training["history"], training["best"], training["utilisation"]
    drawings = {f"{measure} by epoch": plots.learning_curve(history, best, measure) for measure in ("loss", "accuracy")}
    drawings["learning rate by epoch"] = plots.learning_rate(history)
    if utilisation and utilisation["seconds"]:
        drawings["utilisation over time"] = plots.utilisation(utilisation)
    return {name: Markup(drawing) for name, drawing in drawings.items()}


def _tuning_plots(tuning: Mapping[str, Any]) -> dict[str, Markup]:
    return {
        "objective by trial": Markup(tuning_plots.objective_over_trials(tuning)),
        "what each trial tried and reached": Markup(tuning_plots.parallel_coordinates(tuning)),
    }


def _data_uri(image: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(thumbnail(image, SHOWN_SIDE)).decode()
