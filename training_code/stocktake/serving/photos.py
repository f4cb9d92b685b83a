"""The photos in a request's body: one as it is, or several as multipart/form-data or JSON Lines."""

import base64
import binascii
import json
from email.message import Message
from email.parser import BytesHeaderParser
from http import HTTPStatus
from typing import NamedTuple

from stocktake.serving.refusal import RequestRefused

PHOTO_TYPES = ("image/jpeg", "image/png", "application/x-image")
GENERIC_TYPES = (
    *("", "image/jpg", "image/*", "application/octet-stream", "binary/octet-stream"),
    *("application/json", "application/x-www-form-urlencoded"),
)
"""Headers that say less than the bytes themselves: none, what the SDKs and S3, the image's adapter and curl put when
nobody says, and names that are not registered but usual."""
FORM, JSON_LINES = "multipart/form-data", "application/jsonlines"

MAXIMUM_BODY = 6 * 2**20
"""Bytes: SageMaker's own limit, which a request that does not come through SageMaker has to meet as well."""
MAXIMUM_PHOTOS = 32
"""Of a request: on two cores they take as long as a full queue."""


class Photos(NamedTuple):
    """The bytes of each photo, or why there are none. `several` asks for a list, even of one."""

    contents: list[bytes | RequestRefused]
    several: bool


def photos_of(body: bytes, content_type: str) -> Photos:
    """Take a request's body apart.

    Raises
    ------
    RequestRefused
        415 for another content type, 413 for too many photos, 400 for a body without photos.
    """
    kind = _kind(content_type)
    if kind == FORM:
        return Photos(_form(body, content_type), several=True)
    if kind == JSON_LINES:
        return Photos(_json_lines(body), several=True)
    check_type(content_type, (*PHOTO_TYPES, FORM, JSON_LINES))
    return Photos([body], several=False)


def check_type(content_type: str, accepted: tuple[str, ...] = PHOTO_TYPES) -> None:
    """Refuse a content type that no photo has. What the bytes are is looked at afterwards."""
    if _kind(content_type) not in PHOTO_TYPES + GENERIC_TYPES:
        raise RequestRefused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"Content-Type {content_type[:100]!r} is not accepted; send one of {', '.join(accepted)}.",
        )


def _kind(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _form(body: bytes, content_type: str) -> list[bytes | RequestRefused]:
    """Each part is a photo, whatever its name.

    The standard library's parser takes photos apart line by line, and follows parts within parts; here only the parts'
    headers are read by it. Starlette's needs a package that AWS's Ray Serve image does not have.
    """
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_boundary()
    if not boundary:
        raise RequestRefused(HTTPStatus.BAD_REQUEST, f"Content-Type {FORM} needs a boundary.")
    delimiter = b"\r\n--" + boundary.encode(errors="replace")
    _, *parts = (b"\r\n" + body).split(delimiter, MAXIMUM_PHOTOS + 2)
    if not parts or not parts[-1].startswith(b"--"):
        _check_number(len(parts))
        raise RequestRefused(HTTPStatus.BAD_REQUEST, "The form's last boundary is missing: the body is incomplete.")
    _check_number(len(parts) - 1)
    return [_part(part) for part in parts[:-1]]


def _part(part: bytes) -> bytes | RequestRefused:
    head, blank, content = part.partition(b"\r\n\r\n")
    if not blank or (head and not head.startswith(b"\r\n")):
        return RequestRefused(HTTPStatus.BAD_REQUEST, "This part of the form has no end of its headers.")
    headers = BytesHeaderParser().parsebytes(head[2:] + b"\r\n\r\n")
    try:
        check_type(str(headers.get("Content-Type", "")))
    except RequestRefused as refusal:
        return refusal
    return content


def _json_lines(body: bytes) -> list[bytes | RequestRefused]:
    lines = [line for line in body.split(b"\n") if line.strip()]
    _check_number(len(lines))
    return [_line(line) for line in lines]


def _line(line: bytes) -> bytes | RequestRefused:
    try:
        return base64.b64decode(json.loads(line)["image"], validate=True)
    except (ValueError, TypeError, KeyError, RecursionError, binascii.Error):
        return RequestRefused(
            HTTPStatus.BAD_REQUEST, 'This line is no JSON object with the base64 of a photo: {"image": "..."}.'
        )


def _check_number(photos: int) -> None:
    if photos < 1:
        raise RequestRefused(HTTPStatus.BAD_REQUEST, "The body holds no photo.")
    if photos > MAXIMUM_PHOTOS:
        raise RequestRefused(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body holds more than {MAXIMUM_PHOTOS} photos; send fewer."
        )
