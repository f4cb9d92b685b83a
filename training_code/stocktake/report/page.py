"""The evaluation's report: one HTML page that needs nothing else.

Its sections are kept, too: the page of the whole execution shows the same ones.
"""

import base64
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from markupsafe import Markup

from pages import environment
from photo_file import thumbnail
from stocktake.model.artifact import ModelDescription
from stocktake.report import plots, tuning_plots

_HERE = Path(__file__).parent
SECTIONS = (
    "accuracy",
    "mistakes",
    "calibration",
    "audit",
    "champion",
    "training",
    "rules",
    "label_noise",
    "tuning",
    "samples",
    "recipe",
)
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
    "labelNoise": None,
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


def sections(
    description: ModelDescription,
    metrics: dict[str, Any],
    samples: Sequence[tuple[dict[str, Any], bytes]],
    tuning: dict[str, Any] | None = None,
) -> dict[str, Markup]:
    """The page's sections as HTML, by name; those that have something to tell.

    Parameters
    ----------
    description
        The model and how it was trained.
    metrics
        As `counting_metrics` returns them, with `calibration`, `audit`, `champion` (the comparison, or None) and
        `release` (the decision).
    samples
        Rows of predictions.jsonl with the image file that each is about.
    tuning
        The content of trials.json, when a tuning job chose the hyperparameters.
    """
    templates = environment(_HERE / "sections")
    templates.filters["rate"] = plots.rate
    training = UNTOLD | description.training
    pictures = [row | {"uri": data_uri(image)} for row, image in samples[:SHOWN]]
    known = {
        "model": description,
        "training": training,
        "training_plots": _training_plots(training),
        "tuning": tuning,
        "tuning_plots": _tuning_plots(tuning) if tuning else {},
        "metrics": metrics,
        "wrong": [row for row in pictures if row["predicted"] != row["count"]],
        "right": [row for row in pictures if row["predicted"] == row["count"]],
    }
    drawn = {name: Markup(templates.get_template(f"{name}.html.j2").render(known).strip()) for name in SECTIONS}
    return {name: section for name, section in drawn.items() if section}


def render(metrics: dict[str, Any], sections: Mapping[str, Markup]) -> str:
    """The page of all sections."""
    return environment(_HERE).get_template("page.html.j2").render(metrics=metrics, sections=sections)


def _training_plots(training: Mapping[str, Any]) -> dict[str, Markup]:
    """Drawings by what they show."""
    history, best, utilisation = training["history"], training["best"], training["utilisation"]
    drawings = {f"{measure} by epoch": plots.learning_curve(history, best, measure) for measure in ("loss", "accuracy")}
    if utilisation and utilisation["seconds"]:
        drawings["utilisation over time"] = plots.utilisation(utilisation)
    return {name: Markup(drawing) for name, drawing in drawings.items()}


def _tuning_plots(tuning: Mapping[str, Any]) -> dict[str, Markup]:
    return {
        "objective by trial": Markup(tuning_plots.objective_over_trials(tuning)),
        "what each trial tried and reached": Markup(tuning_plots.parallel_coordinates(tuning)),
    }


def data_uri(image: bytes) -> str:
    """A picture of a photo, small enough for a page that carries it."""
    return "data:image/jpeg;base64," + base64.b64encode(thumbnail(image, SHOWN_SIDE)).decode()
