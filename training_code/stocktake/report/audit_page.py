"""An audit's page: which records are probably wrong, with the photos of the first ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pages import environment
from stocktake.model.artifact import ModelDescription
from stocktake.report.page import data_uri

_HERE = Path(__file__).parent
PICTURES, SHOWN = 48, 200
"""Bins whose photos are shown, and rows of the table; the whole table is beside the page."""

OUTCOMES = {
    "scored": "compared with the count",
    "above": "recorded count above what the model knows",
    "below": "recorded count below what the model knows",
    "between": "recorded count that the model does not know",
    "no-record": "no record that can be read",
    "no-photo": "no photo that can be read",
}


def render(
    model: ModelDescription, summary: Mapping[str, Any], top: Sequence[Mapping[str, Any]], photos: Mapping[str, bytes]
) -> str:
    """The page.

    Parameters
    ----------
    summary, top
        As `Ranking` has them.
    photos
        Image files of the bins to show, by id, in the order of `top`.
    """
    templates = environment(_HERE)
    templates.filters["probability"] = lambda share: "below 0.1%" if share < 0.001 else f"{100 * share:.1f}%"
    pictures = [
        {
            "id": row["id"],
            "count": int(row["recorded"]),
            "predicted": int(row["counted"]),
            "probabilities": [float(row[f"probability_{label}"]) for label in model.labels],
            "uri": data_uri(photos[row["id"]]),
        }
        for row in top
        if row["id"] in photos
    ]
    return templates.get_template("audit_page.html.j2").render(
        model=model, summary=summary, top=top, pictures=pictures, outcomes=OUTCOMES
    )
