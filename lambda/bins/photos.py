"""Photos of bins: verified by decoding, and reduced once to what training needs."""

import io
from typing import NamedTuple

from PIL import Image, ImageOps, UnidentifiedImageError

from bins import planes

QUALITY = 90
SMALLEST = 16
"""Pixels of the shorter side; less shows no bin."""
LARGEST = 50_000_000
"""Pixels in all; more is a decompression bomb and no photo of a bin."""
THUMBNAIL = 160

_ORIENTATION = 0x0112


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
        with Image.open(io.BytesIO(content), formats=("JPEG", "PNG")) as image:
            return _reduce(image, content, short_side)
    except UnidentifiedImageError:
        raise BadImage("not a JPEG or PNG image") from None
    except Image.DecompressionBombError:
        raise BadImage("image too large") from None
    # Damaged files surface as any of these, depending on where the damage is.
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError) as error:
        raise BadImage("damaged image") from error


def thumbnail(content: bytes) -> bytes:
    """A small JPEG of a photo, for the dataset card."""
    with Image.open(io.BytesIO(content)) as image:
        image.draft("RGB", (THUMBNAIL, THUMBNAIL))
        image.thumbnail((THUMBNAIL, THUMBNAIL))
        return _jpeg(image, quality=75)


def _reduce(image: Image.Image, content: bytes, short_side: int) -> Photo:
    width, height = source_size = image.size
    if min(source_size) < SMALLEST:
        raise BadImage("image too small")
    if width * height > LARGEST:
        raise BadImage("image too large")
    if image.mode.startswith("I"):
        raise BadImage("more than 8 bits a channel")
    orientation = image.getexif().get(_ORIENTATION, 1)
    scale = short_side / min(source_size)
    upright = image.format == "JPEG" and orientation == 1
    if scale >= 1:
        if upright and image.mode == "RGB":
            image.load()
            return Photo(content, source_size, source_size)
        reduced = image.convert("RGB")
    else:
        target = round(width * scale), round(height * scale)
        if upright and (made := planes.reduce(content, source_size, target)):
            return Photo(made, target, source_size)
        # The decoder may halve what stays large enough; of an odd size, the photo ends within the last pixel: the box.
        drafted = image.draft("RGB", (2 * target[0], 2 * target[1]))
        box = drafted[1] if drafted else None
        reduced = image.convert("RGB").resize(target, Image.Resampling.BICUBIC, box)
    if orientation != 1:
        reduced.getexif()[_ORIENTATION] = orientation
        reduced = ImageOps.exif_transpose(reduced)
    return Photo(_jpeg(reduced, QUALITY), reduced.size, source_size)


def _jpeg(image: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()
