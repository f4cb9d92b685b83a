"""From a request to its answer, in the four functions of SageMaker's convention."""

import os
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from photo_file import ImageRefused, ImageTooLarge, ImageTooSmall
from stocktake.model.artifact import ModelDescription, load_artifact
from stocktake.model.calibration import calibrated, log_probabilities
from stocktake.model.counts import chosen_positions, expected_counts
from stocktake.model.served_network import ServedNetwork
from stocktake.serving.answers import answer_type, written
from stocktake.serving.photos import check_type
from stocktake.serving.refusal import RequestRefused


@dataclass(frozen=True)
class CountingModel:
    """A loaded model. `package` is the model package that it was deployed as."""

    network: ServedNetwork
    description: ModelDescription
    package: str

    @property
    def precision(self) -> str:
        """The number format that it computes in, such as `float32`."""
        return self.network.precision

    @torch.inference_mode()
    def probabilities(self, pixels: Tensor) -> Tensor:
        """Calibrated probability of each label: uint8 (N, 3, S, S) -> float32 (N, labels)."""
        photos = self.description.preprocessing.normalise(pixels)
        views = (photos, photos.flip(3)) if self.description.mirrored else (photos,)
        return calibrated(log_probabilities([self.network(view) for view in views]), self.description.temperature)

    def counts(self, probabilities: Tensor) -> list[int]:
        """The count that each row (N, labels) is answered with."""
        labels = self.description.labels
        positions = chosen_positions(probabilities, labels, self.description.one_off_worth)
        return [labels[position] for position in positions.tolist()]


def model_fn(model_dir: str | Path, precision: str | None = None) -> CountingModel:
    """Load an unpacked model artifact on the CPU.

    Without a `precision` it is the one that the package was evaluated in, and float32 of packages that do not say.
    """
    network, description = load_artifact(Path(model_dir))
    precision = precision or os.environ.get("STOCKTAKE_PRECISION", "float32")
    served = ServedNetwork(description.architecture, network, precision)
    return CountingModel(served, description, os.environ.get("STOCKTAKE_MODEL_PACKAGE", "unregistered"))


def input_fn(body: bytes, content_type: str) -> bytes:
    """The photo in a request; whether it is a JPEG or a PNG is read from its bytes.

    Raises
    ------
    RequestRefused
        415 for another content type, 400 without a body.
    """
    check_type(content_type)
    if not body:
        raise RequestRefused(HTTPStatus.BAD_REQUEST, "The body is empty; send the bytes of a JPEG or PNG image.")
    return body


def pixels_of(photo: bytes, model: CountingModel) -> Tensor:
    """A photo as the network takes it: uint8 (3, S, S).

    Raises
    ------
    RequestRefused
        413 for too many pixels, 422 for too few, 400 for anything undecodable.
    """
    try:
        return model.description.preprocessing.pixels(photo)
    except ImageTooLarge as error:
        raise RequestRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(error)) from error
    except ImageTooSmall as error:
        raise RequestRefused(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error
    except ImageRefused as error:
        raise RequestRefused(HTTPStatus.BAD_REQUEST, str(error)) from error


def predict_fn(photo: bytes, model: CountingModel) -> dict[str, Any]:
    """Count the items in one photo: the endpoint's answer. Raises what `pixels_of` does."""
    return predict_several([pixels_of(photo, model)], model)[0]


def predict_several(photos: list[Tensor], model: CountingModel) -> list[dict[str, Any]]:
    """Count the items in each of some photos' pixels, all in one batch."""
    labels = list(model.description.labels)
    probabilities = model.probabilities(torch.stack(photos))
    return [
        {
            "count": count,
            "probabilities": row.tolist(),
            "labels": labels,
            "expected": float(expected),
            "precision": model.precision,
            "model": model.package,
        }
        for row, count, expected in zip(
            probabilities, model.counts(probabilities), expected_counts(probabilities, labels), strict=True
        )
    ]


def output_fn(prediction: dict[str, Any], accept: str) -> str:
    """Write one answer in the form that the client accepts.

    Raises
    ------
    RequestRefused
        406 when it accepts none of JSON, JSON Lines and CSV.
    """
    return written([prediction], answer_type(accept), several=False)
