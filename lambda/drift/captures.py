"""Requests that SageMaker has kept: their photos, with what the endpoint answered to each.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
"""

import base64
import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from typing import Any

SMOKE_TEST = "smoke-test"
"""The inference id of a deployment's test photos, which tells them from traffic, in the endpoint's log too."""


@dataclass(frozen=True)
class Counted:
    """A photo's bytes, and what the model answered."""

    content: bytes
    count: int
    confidence: float
    expected: float
    model: str


def counted(line: bytes) -> Iterator[Counted]:
    """The photos of a line of a capture file.

    Left out are refused photos, requests that failed and so have no answer, and whatever else cannot be read: a
    request may have held anything.
    """
    try:
        captured = json.loads(line)
        if captured["eventMetadata"].get("inferenceId") == SMOKE_TEST:
            return
        asked, answered = captured["captureData"]["endpointInput"], captured["captureData"]["endpointOutput"]
        photos, answers = _photos(*_body(asked)), _answers(*_body(answered))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return
    if len(photos) != len(answers):
        return
    for content, answer in zip(photos, answers, strict=True):
        try:
            yield Counted(
                content,
                int(answer["count"]),
                max(map(float, answer["probabilities"])),
                float(answer["expected"]),
                str(answer["model"]),
            )
        except (ValueError, TypeError, KeyError):
            continue


def _body(side: dict[str, str]) -> tuple[str, bytes]:
    """Content type and bytes; JSON and CSV are kept as they are, everything else in base64."""
    text = side["data"]
    return side["observedContentType"], base64.b64decode(text) if side["encoding"] == "BASE64" else text.encode()


def _photos(content_type: str, body: bytes) -> list[bytes]:
    """The photos as the endpoint takes a request apart; of a part that it refused whatever comes out."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        header = Message()
        header["Content-Type"] = content_type
        _, *parts = (b"\r\n" + body).split(b"\r\n--" + str(header.get_boundary()).encode())
        return [part.partition(b"\r\n\r\n")[2] for part in parts[:-1]]
    if kind == "application/jsonlines":
        return [_photo_of(line) for line in body.split(b"\n") if line.strip()]
    return [body]


def _photo_of(line: bytes) -> bytes:
    try:
        return base64.b64decode(json.loads(line)["image"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return b""


def _answers(content_type: str, body: bytes) -> list[dict[str, Any]]:
    """An answer a photo, whatever form the client accepted."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "text/csv":
        return [_of_row(row) for row in csv.DictReader(io.StringIO(body.decode()))]
    if kind == "application/jsonlines":
        return [json.loads(line) for line in body.splitlines() if line.strip()]
    found = json.loads(body)
    return found if isinstance(found, list) else [found]


def _of_row(row: dict[str, str]) -> dict[str, Any]:
    probabilities = [value for name, value in row.items() if name[:1] == "p" and name[1:].isdigit()]
    return row | {"probabilities": probabilities}
