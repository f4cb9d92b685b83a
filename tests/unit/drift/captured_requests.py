"""Photos, and requests with their answers as SageMaker keeps them."""

import base64
import json
from typing import Any

from PIL import Image, ImageEnhance

from photo_file import jpeg

MODEL = "arn:aws:sagemaker:us-east-1:123456789012:model-package/stocktake-models/7"
PROBABILITIES = ([0.5, 0.3, 0.2], [0.2, 0.7, 0.1], [0.1, 0.3, 0.6])


def photo(number: int, light: float = 1.0) -> bytes:
    """One of 60 that differ in brightness, all of them darker or brighter by `light`."""
    gradient = Image.linear_gradient("L").resize((40, 32)).point(lambda value: value // 2 + number % 60)
    return jpeg(ImageEnhance.Brightness(gradient.convert("RGB")).enhance(light), quality=90)


def answer(number: int, model: str = MODEL) -> dict[str, Any]:
    """The endpoint's, to a photo."""
    probabilities = PROBABILITIES[number % 3]
    count = 1 + number % 3
    expected = sum(label * p for label, p in enumerate(probabilities, 1))
    return {
        "count": count,
        "probabilities": probabilities,
        "labels": [1, 2, 3],
        "expected": expected,
        "precision": "float32",
        "model": model,
    }


def captured(
    body: bytes,
    answers: str | None,
    content_type: str = "image/jpeg",
    accepted: str = "application/json",
    **metadata: str,
) -> bytes:
    """A line of a capture file; a request that failed has no answer."""
    data = {"endpointInput": _side(content_type, "INPUT", body)}
    if answers is not None:
        data["endpointOutput"] = _side(accepted, "OUTPUT", answers.encode())
    line = {"captureData": data, "eventMetadata": {"eventId": "1", **metadata}, "eventVersion": "0"}
    return json.dumps(line).encode() + b"\n"


def _side(content_type: str, mode: str, body: bytes) -> dict[str, str]:
    encoding = {"application/json": "JSON", "text/csv": "CSV"}.get(content_type, "BASE64")
    data = base64.b64encode(body).decode() if encoding == "BASE64" else body.decode()
    return {"observedContentType": content_type, "mode": mode, "data": data, "encoding": encoding}
