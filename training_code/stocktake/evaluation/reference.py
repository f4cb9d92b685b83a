"""What the endpoint's photos are compared with later: the test photos' statistics, and what the model makes of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import photo_file
from photo_statistics import SIDE, photo_statistics

BINS = 2000
"""At most, evenly over the test bins: more would tell no smaller drift apart than matters."""


def reference(predictions: Sequence[Mapping[str, Any]], image_bytes: Callable[[int], bytes]) -> list[dict[str, float]]:
    """A row a bin: the photo's statistics, and the model's count, confidence and expected count.

    Parameters
    ----------
    predictions
        Rows with `predicted`, `expected` and `probabilities`.
    image_bytes
        The photo of the prediction at an index.
    """
    number = min(BINS, len(predictions))
    return [
        _row(predictions[index], image_bytes(index))
        for index in (i * len(predictions) // number for i in range(number))
    ]


def _row(prediction: Mapping[str, Any], content: bytes) -> dict[str, float]:
    row = photo_statistics(photo_file.read(content, SIDE)) | {
        "count": prediction["predicted"],
        "confidence": max(prediction["probabilities"]),
        "expected": prediction["expected"],
    }
    return {name: round(value, 5) for name, value in row.items()}
