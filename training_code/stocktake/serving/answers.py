"""Answers in the form that a client accepts: JSON, JSON Lines or CSV."""

import csv
import io
import json
from http import HTTPStatus
from typing import Any

from stocktake.serving.refusal import RequestRefused

JSON, JSON_LINES, CSV = ANSWER_TYPES = ("application/json", "application/jsonlines", "text/csv")


def answer_type(accept: str) -> str:
    """The content type that an Accept header likes best; JSON where it does not mind.

    Raises
    ------
    RequestRefused
        406 when it takes none of them.
    """
    weights: dict[str, float] = {}
    for part in accept.lower().split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        if kind:
            weights[kind] = _weight(parameters)
    if not weights:
        return JSON
    best = max(ANSWER_TYPES, key=lambda kind: _liked(kind, weights))
    if not _liked(best, weights):
        raise RequestRefused(
            HTTPStatus.NOT_ACCEPTABLE,
            f"Accept {accept[:100]!r} cannot be met; answers are {', '.join(ANSWER_TYPES)}.",
        )
    return best


def written(answers: list[dict[str, Any]], kind: str, several: bool) -> str:
    """The body of a response. `answers` are those of `predict_fn`, or of a refused photo its `error` and `status`."""
    if kind == CSV:
        return _csv(answers)
    if kind == JSON_LINES:
        return "".join(json.dumps(answer) + "\n" for answer in answers)
    return json.dumps(answers if several else answers[0])


def _liked(kind: str, weights: dict[str, float]) -> float:
    """The weight of the range that fits a type best."""
    return next((weights[name] for name in (kind, f"{kind.split('/')[0]}/*", "*/*", "*") if name in weights), 0)


def _weight(parameters: list[str]) -> float:
    try:
        return float(next((piece[2:] for piece in parameters if piece.startswith("q=")), "1"))
    except ValueError:
        return 1


def _csv(answers: list[dict[str, Any]]) -> str:
    """A row a photo below a header; each label has a column with its probability."""
    labels: list[int] = next((answer["labels"] for answer in answers if "labels" in answer), [])
    columns = ["count", "expected", *(f"p{label}" for label in labels), "precision", "model", "error"]
    text = io.StringIO()
    table = csv.DictWriter(text, columns, extrasaction="ignore")
    table.writeheader()
    for answer in answers:
        names = (f"p{label}" for label in answer.get("labels", []))
        table.writerow(answer | dict(zip(names, answer.get("probabilities", []), strict=True)))
    return text.getvalue()
