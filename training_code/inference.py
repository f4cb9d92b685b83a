"""From a request to its answer, in the four functions of SageMaker's convention."""

import json
import os
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from photo_file import ImageRefused, ImageTooLarge, ImageTooSmall
from stocktake.model.artifact import ModelDescription, load_artifact
from stocktake.model.metrics import expected_counts

CONTENT_TYPES = ("image/jpeg", "image/png", "application/x-image")
GENERIC_TYPES = ("", "image/jpg", "image/*", "application/octet-stream", "binary/octet-stream")
"""Headers that say less than the bytes themselves: none, what the SDKs and S3 put when nobody says, and names that
are not registered but usual."""


class RequestRefused(Exception):
    """The request cannot be answered; `status` is its HTTP status and the message says why."""

    def __init__(self, status: HTTPStatus, message: str):
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class CountingModel:
    """A loaded model. `package` is the model package that it was deployed as."""

    network: nn.Module
    description: ModelDescription
    package: str

    @torch.inference_mode()
    def probabilities(self, pixels: Tensor) -> Tensor:
        """Probability of each label: uint8 (N, 3, S, S) -> float32 (N, labels)."""
        logits: Tensor = self.network(self.description.preprocessing.normalise(pixels))
        return logits.softmax(1)


def model_fn(model_dir: str | Path) -> CountingModel:
    """Load an unpacked model artifact, on the CPU and in float32."""
    network, description = load_artifact(Path(model_dir))
    return CountingModel(network, description, os.environ.get("STOCKTAKE_MODEL_PACKAGE", "unregistered"))


def input_fn(body: bytes, content_type: str) -> bytes:
    """The photo in a request; whether it is a JPEG or a PNG is read from its bytes.

    Raises
    ------
    RequestRefused
        415 for another content type, 400 without a body.
    """
    if content_type.partition(";")[0].strip().lower() not in CONTENT_TYPES + GENERIC_TYPES:
        raise RequestRefused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"Content-Type {content_type!r} is not accepted; send one of {', '.join(CONTENT_TYPES)}.",
        )
    if not body:
        raise RequestRefused(HTTPStatus.BAD_REQUEST, "The body is empty; send the bytes of a JPEG or PNG image.")
    return body


def pixels_of(photo: bytes, model: CountingModel) -> Tensor:
    """A photo as the network takes it: uint8 (1, 3, S, S).

    Raises
    ------
    RequestRefused
        413 for too many pixels, 422 for too few, 400 for anything undecodable.
    """
    try:
        return model.description.preprocessing.pixels(photo).unsqueeze(0)
    except ImageTooLarge as error:
        raise RequestRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(error)) from error
    except ImageTooSmall as error:
        raise RequestRefused(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error
    except ImageRefused as error:
        raise RequestRefused(HTTPStatus.BAD_REQUEST, str(error)) from error


def predict_fn(photo: bytes, model: CountingModel) -> dict[str, Any]:
    """Count the items in one photo: the endpoint's answer. Raises what `pixels_of` does."""
    labels = list(model.description.labels)
    probabilities = model.probabilities(pixels_of(photo, model))
    return {
        "count": labels[int(probabilities.argmax())],
        "probabilities": probabilities[0].tolist(),
        "labels": labels,
        "expected": float(expected_counts(probabilities, labels)),
        "model": model.package,
    }


def output_fn(answer: dict[str, Any], accept: str) -> str:
    """Write the answer as JSON.

    Raises
    ------
    RequestRefused
        406 when the client accepts no JSON.
    """
    if accept and not _accepts_json(accept):
        raise RequestRefused(
            HTTPStatus.NOT_ACCEPTABLE, f"Accept {accept!r} cannot be met; answers are application/json."
        )
    return json.dumps(answer)


def _accepts_json(accept: str) -> bool:
    """Whether the range of an Accept header that fits JSON best has a weight (q) other than 0."""
    weights: dict[str, str] = {}
    for part in accept.lower().split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        weights[kind] = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
    for kind in ("application/json", "application/*", "*/*", "*"):
        if kind in weights:
            return not set(weights[kind]) <= set("0.")
    return False
