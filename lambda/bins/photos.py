"""Photos of bins: verified by decoding, and reduced once to what training needs."""

import io
from typing import NamedTuple

from PIL import Image

import photo_file

QUALITY = 90
KEPT = 1_000_000
"""Bytes of a photo that is small enough to stay as it is; more is mostly metadata."""
THUMBNAIL = 160


class BadImage(Exception):
    """The file is no usable photo; the message is the reason in the words of the dataset card."""


class Photo(NamedTuple):
    """A JPEG file, its size and that of the photo it was made from, both (width, height) in pixels."""

    content: bytes
    size: tuple[int, int]
    source_size: tuple[int, int]


def reduce(content: bytes, short_side: int) -> Photo:
    """Make the short side of a photo `short_side` pixels, keeping its aspect ratio and never enlarging it.

    A JPEG in RGB that is small enough and upright keeps its bytes.

    Raises:
        BadImage: not a JPEG or PNG, cut off or damaged, too small or too large.
    """
    try:
        photo = photo_file.read(content, short_side)
    except photo_file.ImageRefused as error:
        raise BadImage(error.reason) from error
    scale = short_side / min(photo.size)
    if scale >= 1:
        upright = photo.turn is None
        if upright and (photo.kind, photo.mode) == ("JPEG", "RGB") and len(content) <= KEPT:
            return Photo(content, photo.size, photo.size)
        reduced = photo.upright()
    else:
        width, height = photo.size
        reduced = photo.upright((round(width * scale), round(height * scale)))
    return Photo(_jpeg(reduced, QUALITY), reduced.size, photo.size)


def thumbnail(content: bytes) -> bytes:
    """A small JPEG of a photo, for the dataset card."""
    image = photo_file.read(content, THUMBNAIL).upright()
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    return _jpeg(image, quality=75)


def _jpeg(image: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()
