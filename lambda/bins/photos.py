"""Photos of bins as they go into a dataset: verified by decoding, and reduced once for those that train."""

from typing import NamedTuple

import photo_file

QUALITY = 90
"""Of JPEGs with colours in full: 43 dB from the endpoint's pixels, in as many bytes as 41 dB take with halved ones."""
THUMBNAIL = 160


class BadImage(Exception):
    """The file is no usable photo; the message is the reason in the words of the dataset card."""


class Photo(NamedTuple):
    """A photo's file, its size and that of the photo it was made from, both (width, height) in pixels."""

    content: bytes
    size: tuple[int, int]
    source_size: tuple[int, int]


def as_taken(content: bytes, side: int) -> Photo:
    """A photo with the camera's bytes, as the endpoint gets them, for the splits that measure.

    Raises:
        BadImage: not a JPEG or PNG, cut off or damaged, too small or too large.
    """
    photo = _read(content, side)
    return Photo(content, photo.size, photo.size)


def for_training(content: bytes, side: int) -> Photo:
    """A photo as the network will see it, a square of `side` pixels; a file that is smaller as it is stays so.

    Raises:
        BadImage: as `as_taken`.
    """
    photo = _read(content, side)
    squashed = photo_file.jpeg(photo.squashed(side), QUALITY, subsampling="4:4:4")
    if len(content) <= len(squashed):
        return Photo(content, photo.size, photo.size)
    return Photo(squashed, (side, side), photo.size)


def thumbnail(content: bytes) -> bytes:
    """A small JPEG of a photo, for the dataset card."""
    return photo_file.thumbnail(content, THUMBNAIL)


def _read(content: bytes, side: int) -> photo_file.Photo:
    try:
        return photo_file.read(content, side)
    except photo_file.ImageRefused as error:
        raise BadImage(error.reason) from error
