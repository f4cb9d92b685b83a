"""From a photo's bytes to an upright RGB photo, or a reason: the one definition, in the functions and in SageMaker.

Only what decides the pixels reaches the decoder: headers and data. Metadata is left out before, whatever is wrong with
it, but for the EXIF orientation, which is read here. So the work that a file can cause is known before it is decoded.
"""

import io
import re
import struct
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from PIL import Image

MINIMUM_SIDE = 16
"""Pixels; less shows no bin."""
MAXIMUM_SIDE = 65_500
"""Pixels; what libjpeg reads and writes. A PNG could have more, but what is packed of it could not."""
MAXIMUM_PIXELS = 50_000_000
"""Of a JPEG: 48 megapixels are the largest photos that phones take as they are. More is a decompression bomb."""
MAXIMUM_PNG_PIXELS = 16_000_000
"""A PNG cannot be decoded reduced: this is 64 MB, held up to four times while transparency becomes white.
Of 16 bits a channel half as many: they are unpacked as bytes, at up to 110 MB a second."""
MAXIMUM_SCANS = 50
"""Of a progressive JPEG: time grows with each one, however small it is. Cameras and tools write about 10."""
MAXIMUM_SCANNED_PIXELS = 500_000_000
"""Scans by pixels, for the same reason: 50 megapixels in 10 scans take 0.8 seconds."""
MAXIMUM_COEFFICIENTS = 80_000_000
"""A JPEG of several scans is kept whole, two bytes a coefficient: room for 50 megapixels with halved colours."""
MAXIMUM_SEGMENTS = 2_000
"""Of a JPEG; metadata comes in segments of up to 64 kB, so that 20 MB of it are 300."""
FULL_PIXELS = 12_500_000
"""Larger JPEGs are decoded to a half, a quarter or an eighth: 50 MB at most, and far more than any network sees."""

JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"

# Pillow would warn at a limit of its own, and that cannot be silenced in one thread alone. The limits here are lower.
Image.MAX_IMAGE_PIXELS = None

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_UPRIGHT, _ORIENTATION = 1, 0x0112
_END = b"\xff\xd9"
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""Within a scan, 00 behind an FF means the byte itself, and D0 to D7 that decoding can start again."""
_OTHER_DATA = b"\x5a\xc3\x96\x3c\xa5\x69" * 64
"""What a scan could go on with: neither zeros nor a marker."""


class ImageRefused(ValueError):
    """The bytes are no photo that can be used; the message says why, `reason` in the words of the dataset card."""

    reason = "damaged image"


class NotAnImage(ImageRefused):
    """The bytes are neither a JPEG nor a PNG."""

    reason = "not a JPEG or PNG image"


class ImageTooLarge(ImageRefused):
    """The header announces more than is worth decoding."""

    reason = "image too large"


class ImageTooSmall(ImageRefused):
    """There is nothing to see in so few pixels."""

    reason = "image too small"


class Photo(NamedTuple):
    """A decoded photo, in RGB as it is stored, and what makes it upright. `size` (width, height) is the file's."""

    stored: Image.Image
    turn: Image.Transpose | None
    size: tuple[int, int]

    def upright(self) -> Image.Image:
        """The photo as it is to be seen."""
        return self.stored if self.turn is None else self.stored.transpose(self.turn)

    def squashed(self, side: int) -> Image.Image:
        """The whole photo as a square of `side` pixels: a crop would cut items away."""
        # Pillow's resize antialiases when it shrinks.
        return self.upright().resize((side, side), Image.Resampling.BILINEAR)


def squashed(content: bytes, side: int) -> Image.Image:
    """What the network sees of a photo, wherever one is read: packed, evaluated, served. Raises as `read` does."""
    return read(content, side).squashed(side)


def thumbnail(content: bytes, side: int) -> bytes:
    """A small JPEG for people, its longer side `side` pixels at most."""
    image = read(content, side).upright()
    image.thumbnail((side, side))
    return jpeg(image, quality=75)


def jpeg(image: Image.Image, quality: int, **options: Any) -> bytes:
    """The JPEG file of an image."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality, **options)
    return file.getvalue()


def read(content: bytes, short_side: int | None = None) -> Photo:
    """Decode a JPEG or PNG of any colour mode.

    Transparent parts become white; 16-bit greys keep their upper 8 bits; the EXIF orientation is read. A JPEG may come
    reduced: above `FULL_PIXELS`, and as far as its short side keeps twice the `short_side` that is wanted.

    Raises
    ------
    ImageTooLarge, ImageTooSmall
        By headers alone, before any pixel is decoded.
    ImageRefused
        For anything that is not a whole JPEG or PNG.
    """
    try:
        if content.startswith(JPEG):
            return _read_jpeg(content, short_side)
        if content.startswith(PNG):
            return _read_png(content)
    except ImageRefused:
        raise
    except Image.UnidentifiedImageError as error:
        raise _damaged("its headers cannot be read") from error
    # Damaged files surface in Pillow as any of these, depending on where the damage is.
    except (OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, AssertionError, struct.error) as error:
        raise _damaged(str(error) or "what it announces is missing") from error
    raise NotAnImage("The data is not a JPEG or PNG image.")


def _damaged(how: str) -> ImageRefused:
    return ImageRefused(f"The image is damaged or incomplete: {how}.")


def _check_size(width: int, height: int, most: int) -> None:
    if width * height > most:
        raise ImageTooLarge(
            f"The image has too many pixels: {width} x {height}, at most {most:,} in all are accepted. Resize it first."
        )
    if max(width, height) > MAXIMUM_SIDE:
        raise ImageTooLarge(
            f"The image has {width} x {height} pixels; neither side may have more than {MAXIMUM_SIDE:,}. Crop it first."
        )
    if min(width, height) < MINIMUM_SIDE:
        raise ImageTooSmall(f"The image has {width} x {height} pixels; both sides must have at least {MINIMUM_SIDE}.")


class _Jpeg(NamedTuple):
    """What a JPEG's markers tell. `data` is the file up to its end marker, metadata left out."""

    data: bytes
    size: tuple[int, int]
    orientation: int
    several_scans: bool


def _read_jpeg(content: bytes, short_side: int | None) -> Photo:
    jpeg = _parse_jpeg(content)
    image, box = _decode_jpeg(jpeg.data + _END, jpeg.size, short_side)
    # The decoder fills what is missing without a word: with grey, or what the scans before have brought. Of a whole
    # photo nothing depends on what comes behind its data.
    if jpeg.several_scans or _ends_in_grey(image, jpeg.size[1]):
        other, _ = _decode_jpeg(jpeg.data + _OTHER_DATA + _END, jpeg.size, short_side)
        if other.tobytes() != image.tobytes():
            raise _damaged("its data ends before the picture does")
    if box != (0, 0, *image.size):
        image = image.resize((int(box[2]), int(box[3])), Image.Resampling.BICUBIC, box)
    return Photo(image.convert("RGB"), _TURNS.get(jpeg.orientation), jpeg.size)


def _ends_in_grey(image: Image.Image, height: int) -> bool:
    """Whether the last pixel may be a missing one: 128 or, inverted, 127 in each channel.

    Where one row of pixels begins a row of blocks, a quarter of its colour is mixed in from above.
    """
    last = image.crop((image.width - 1, image.height - 1, *image.size)).tobytes()
    slack = 57 if height % 8 == 1 else 1
    return all(abs(value - 128) <= slack for value in last)


def _decode_jpeg(
    content: bytes, size: tuple[int, int], short_side: int | None
) -> tuple[Image.Image, tuple[float, float, float, float]]:
    """The image, and the part of it that is photo: one that is decoded reduced ends an odd size within a pixel."""
    scale = 1
    while scale < 8 and (
        size[0] * size[1] > FULL_PIXELS * scale**2
        or (short_side is not None and min(size) >= 2 * short_side * (2 * scale))
    ):
        scale *= 2
    with Image.open(io.BytesIO(content), formats=("JPEG",)) as image:
        if image.size != size:
            raise _damaged("its headers disagree")
        drafted = image.draft(None, (size[0] // scale, size[1] // scale)) if scale > 1 else None
        image.load()
        return image, drafted[1] if drafted else (0, 0, *size)


def _parse_jpeg(content: bytes) -> _Jpeg:
    kept = [JPEG[:2]]
    size: tuple[int, int] | None = None
    shares: list[int] = []
    missing: dict[int, set[int]] = {}
    orientation, scans, progressive, several = _UPRIGHT, 0, False, False
    for marker, segment, data in _segments(content):
        body = segment[4:]
        if marker in (0xC4, 0xCC, 0xDB, 0xDD):  # tables, restart interval
            kept.append(segment)
        elif 0xC0 <= marker <= 0xCF:  # the frame: precision, height, width, components
            if marker > 0xC2:
                raise ImageRefused("The image is a JPEG of a rare kind, arithmetic or lossless. Save it anew first.")
            if size is not None:
                raise _damaged("it has two frames")
            height, width, number = struct.unpack_from(">HHB", body, 1)
            size, progressive = (width, height), marker == 0xC2
            _check_size(width, height, MAXIMUM_PIXELS)
            shares = [(body[7 + 3 * n] >> 4) * (body[7 + 3 * n] & 15) for n in range(number)]
            missing = {body[6 + 3 * n]: set(range(64)) for n in range(number)}
            kept.append(segment)
        elif marker == 0xDA:  # a scan: components, which of the 64 coefficients, down to which bit
            if size is None:
                raise _damaged("a scan comes before the frame")
            scans += 1
            components = [body[1 + 2 * n] for n in range(body[0])]
            first, last, bits = body[-3:] if progressive else (0, 63, 0)
            if scans == 1:
                several = progressive or len(components) < len(shares)
                if several and size[0] * size[1] * sum(shares) > MAXIMUM_COEFFICIENTS * max(shares):
                    raise ImageTooLarge(
                        f"The image has too many pixels for a progressive one: {size[0]} x {size[1]}. Resize it first."
                    )
            if scans > MAXIMUM_SCANS or scans * size[0] * size[1] > MAXIMUM_SCANNED_PIXELS:
                raise ImageTooLarge(
                    f"The image has too many scans: at most {MAXIMUM_SCANS} are accepted, and of large images fewer. "
                    "Save it anew first."
                )
            if not bits & 15:
                for component in components:
                    missing[component] -= set(range(first, last + 1))
            kept += segment, data
        elif _decides_colours(marker, body):
            kept.append(segment)
        elif marker == 0xE1 and body.startswith(b"Exif\0"):
            orientation = _orientation(body[6:])
    if size is None or any(missing.values()):
        raise _damaged("parts of the picture are missing")
    return _Jpeg(b"".join(kept), size, orientation, several)


def _segments(content: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Each marker of a JPEG up to its end, with its whole segment and, behind that of a scan, the scan's data."""
    found = _MARKER.search(content, 2)
    for _ in range(MAXIMUM_SEGMENTS):
        if found is None:
            raise _damaged("it has no end")
        marker, start = content[found.end() - 1], found.start()
        if marker == _END[1]:
            return
        end = start + 2 + (int.from_bytes(content[start + 2 : start + 4]) if 0xC0 <= marker != 0xD8 else 0)
        found = _MARKER.search(content, end)
        yield marker, content[start:end], content[end : found.start() if found else None] if marker == 0xDA else b""
    raise ImageTooLarge(f"The image has more than {MAXIMUM_SEGMENTS} segments. Save it anew first.")


def _decides_colours(marker: int, body: bytes) -> bool:
    """Whether the decoder takes from this segment which colours the components are."""
    jfif = marker == 0xE0 and body.startswith(b"JFIF\0") and len(body) >= 14
    return jfif or (marker == 0xEE and body.startswith(b"Adobe") and len(body) >= 12)


def _read_png(content: bytes) -> Photo:
    kept, pixels, orientation = [PNG], [], _UPRIGHT
    for kind, chunk in _chunks(content):
        if kind == b"eXIf":
            orientation = _orientation(chunk[8:-4])
        elif kind == b"IDAT":
            pixels.append(chunk[8:-4])
        elif kind in (b"IHDR", b"PLTE", b"tRNS"):
            if zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:]):
                raise _damaged(f"the checksum of {kind.decode()} is wrong")
            if any(earlier[4:8] == kind for earlier in kept):  # half a million of them would take a second
                raise _damaged(f"it has more than one {kind.decode()}")
            kept.append(chunk)
            if kind == b"IHDR":
                width, height, depth = struct.unpack_from(">IIB", chunk, 8)
                _check_size(width, height, MAXIMUM_PNG_PIXELS // (2 if depth == 16 else 1))
    for kind, body in ((b"IDAT", b"".join(pixels)), (b"IEND", b"")):
        kept.append(len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4))
    with Image.open(io.BytesIO(b"".join(kept)), formats=("PNG",)) as image:
        image.load()
        return Photo(_to_rgb(image), _TURNS.get(orientation), image.size)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each chunk of a PNG up to its end: its kind, and all of it. Pixel data whose checksum is wrong is refused."""
    place = len(PNG)
    while place < len(content):
        end = place + 12 + int.from_bytes(content[place : place + 4])
        chunk = content[place:end]
        kind = chunk[4:8]
        if kind == b"IEND":
            return
        if end > len(content):
            raise _damaged("its data ends before the picture does")
        if kind == b"IDAT" and zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:]):
            raise _damaged("the checksum of its pixels is wrong")
        yield kind, chunk
        place = end


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        # convert() would clip 16-bit greys at 255, which turns nearly every picture white.
        return image.convert("I").point(lambda value: value / 256).convert("L").convert("RGB")
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def _orientation(exif: bytes) -> int:
    """The orientation in a TIFF block: 1 (upright) to 8; upright if it cannot be read."""
    try:
        order = {b"II": "<", b"MM": ">"}[exif[:2]]
        [directory] = struct.unpack_from(f"{order}I", exif, 4)
        [entries] = struct.unpack_from(f"{order}H", exif, directory)
        for place in range(directory + 2, directory + 2 + 12 * entries, 12):
            tag, kind, _, value, beside = struct.unpack_from(f"{order}HHIHH", exif, place)
            if tag == _ORIENTATION and kind in (3, 4):
                # A short (3), or as some write it a long (4), whose lower half comes last in big-endian.
                return int(beside if kind == 4 and order == ">" else value)
    except (KeyError, struct.error):
        pass
    return _UPRIGHT
