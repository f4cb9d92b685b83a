"""The photos of at most 6 MB, an endpoint's request, that make their reader work hardest: each at a limit that it has.

JPEGs are written here bit by bit, as no encoder writes them: the one code in their tables, a single 0, is the symbol
that says least, so that a scan of zeros is a whole picture, mid-grey all over. That grey is also what a decoder puts
for missing data: `photo_file` reads such a picture twice.
"""

import io
import math
import random
import struct
import zlib
from collections.abc import Callable, Sequence

from PIL import Image

import photo_file

MOST = 6 * 1024 * 1024
"""Bytes of a request."""

Sampling = Sequence[tuple[int, int]]
"""Horizontal and vertical factor of each component."""
HALVED: Sampling = ((2, 2), (1, 1), (1, 1))
WHOLE: Sampling = ((1, 1),) * 3
CMYK: Sampling = ((1, 1),) * 4
ODD: Sampling = ((1, 1), (4, 2), (1, 1))

Scan = tuple[Sequence[int], int, int, int]
"""Components, first and last coefficient, and bits: which were there before in the high half, which come in the low."""

TURNED = b"II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0"
"""EXIF that says sideways."""


def side(pixels: float) -> int:
    return math.isqrt(int(pixels))


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, 2 + len(body)) + body


def grey_jpeg(
    width: int,
    height: int,
    sampling: Sampling = HALVED,
    scans: Sequence[Scan] = (),
    marker: int = 0xC0,
    restart: bool = False,
    data: bytes | None = None,
    before: bytes = b"",
) -> bytes:
    """A JPEG of zeros, in one scan if no others are given. `marker` is its frame's.

    `restart` puts a marker between any two of its units, `data` stands instead of the zeros, and `before` in front.
    """
    frame = struct.pack(">BHHB", 8, height, width, len(sampling))
    frame += b"".join(bytes([n, 16 * h + v, 0]) for n, (h, v) in enumerate(sampling))
    one_code = bytes([1, *bytes(16)])
    parts = [photo_file.JPEG[:2], before, _segment(0xDB, bytes([0, *[1] * 64])), _segment(marker, frame)]
    parts += [_segment(0xC4, bytes([kind]) + one_code) for kind in (0x00, 0x10)]
    parts += [_segment(0xDD, b"\0\1")] * restart
    for components, first, last, bits in scans or [(range(len(sampling)), 0, 63, 0)]:
        heads = b"".join(bytes([n, 0]) for n in components)
        parts.append(_segment(0xDA, bytes([len(components)]) + heads + bytes([first, last, bits])))
        parts.append(_zeros(width, height, sampling, components, restart) if data is None else data)
    return b"".join([*parts, b"\xff\xd9"])


def _zeros(width: int, height: int, sampling: Sampling, components: Sequence[int], restart: bool) -> bytes:
    """Two bits for each block of a scan."""
    across, down = (8 * max(factors) for factors in zip(*sampling, strict=True))
    blocks = sum(sampling[n][0] * sampling[n][1] for n in components)
    if len(components) == 1:  # such a scan goes by blocks
        across, down, blocks = across // sampling[components[0]][0], down // sampling[components[0]][1], 1
    units = -(-width // across) * -(-height // down)
    if not restart:
        return bytes(-(-2 * blocks * units // 8))
    ring = b"".join(bytes(-(-2 * blocks // 8)) + bytes([0xFF, 0xD0 + n]) for n in range(8))
    return bytes((ring * -(-units // 8))[: units * len(ring) // 8 - 2])


def _many_scans(width: int, height: int | None = None, sampling: Sampling = HALVED) -> bytes:
    """As many scans as a progressive picture may have, most of them of the coefficients that take longest."""
    height = height or width
    number = min(photo_file.MAXIMUM_SCANNED_PIXELS // (width * height), photo_file.MAXIMUM_SCANS)
    components = range(len(sampling))
    scans: list[Scan] = [(components, 0, 0, 0), *(((n,), 1, 63, 0) for n in components)]
    return grey_jpeg(width, height, sampling, scans + [((0,), 1, 63, 0x10)] * (number - len(scans)), 0xC2)


def _scan_after_scan(width: int, height: int) -> bytes:
    """Not progressive, and said anew by each scan."""
    number = photo_file.MAXIMUM_SCANNED_PIXELS // (width * height)
    scans: list[Scan] = [((n,), 0, 63, 0) for n in range(3)]
    return grey_jpeg(width, height, HALVED, scans + [(range(3), 0, 63, 0)] * (number - 3))


def _detailed_jpeg(pixels: int, progressive: bool = False) -> bytes:
    """Noise, as finely as fits."""
    tile = Image.effect_noise((512, 512), 90)
    tile = Image.merge("RGB", [tile, tile.rotate(90), tile.rotate(180)])
    image = Image.new("RGB", (side(pixels),) * 2)
    for place in range((side(pixels) // 512 + 1) ** 2):
        image.paste(tile, (place % (side(pixels) // 512 + 1) * 512, place // (side(pixels) // 512 + 1) * 512))
    for quality in (80, 60, 40, 20, 10, 5):
        file = io.BytesIO()
        image.save(file, "JPEG", quality=quality, progressive=progressive)
        if file.tell() <= MOST:
            break
    return file.getvalue()


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def noisy_png(pixels: int, depth: int, colour: int, interlaced: bool = False, more: bytes = b"") -> bytes:
    """A PNG whose rows are all the same noise, with the filter that takes longest; `more` are chunks."""
    length, channels = side(pixels), {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    noise = random.Random(1).randbytes(15_000) * 10
    packer, data = zlib.compressobj(9), []
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    for left, top, across, down in passes if interlaced else [(0, 0, 1, 1)]:
        width, rows = -(-(length - left) // across), -(-(length - top) // down)
        data.append(packer.compress((b"\4" + noise[: -(-width * depth * channels // 8)]) * rows))
    header = struct.pack(">IIBBBBB", length, length, depth, colour, 0, 0, interlaced)
    pieces = [(b"IDAT", b"".join(data) + packer.flush()), (b"IEND", b"")]
    return photo_file.PNG + _chunk(b"IHDR", header) + more + b"".join(_chunk(*piece) for piece in pieces)


def _bomb() -> bytes:
    """A small picture whose data unpacks to more than 3 GB."""
    packer = zlib.compressobj(9)
    head = packer.compress(bytes(100_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(bytes(100_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    header = struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)
    pieces = [(b"IHDR", header), (b"IDAT", head + again * 30_000), (b"IEND", b"")]
    return photo_file.PNG + b"".join(_chunk(*piece) for piece in pieces)


def _largest() -> int:
    return side(photo_file.MAXIMUM_PIXELS)


def _full() -> int:
    return side(photo_file.FULL_PIXELS)


def _png(depth: int, colour: int, interlaced: bool = False, more: bytes = b"") -> bytes:
    return noisy_png(photo_file.MAXIMUM_PNG_PIXELS // (2 if depth == 16 else 1), depth, colour, interlaced, more)


EXIF = _segment(0xE1, b"Exif\0\0" + TURNED)
LONG_EXIF = _segment(0xE1, b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">H", 5458) + bytes(12) * 5458)
TABLES = _segment(0xDB, bytes([0, *[1] * 64]) * 1000)
CODES = _segment(0xC4, bytes([0, 1, *bytes(16)]) * 3600)

KINDS: dict[str, Callable[[], bytes]] = {
    "JPEG, halved colours": lambda: grey_jpeg(_largest(), _largest()),
    "JPEG, whole colours": lambda: grey_jpeg(_largest(), _largest(), WHOLE),
    "JPEG, whole colours, not reduced, sideways": lambda: grey_jpeg(_full(), _full(), WHOLE, before=EXIF),
    "JPEG, CMYK": lambda: grey_jpeg(_largest(), _largest(), CMYK),
    "JPEG, CMYK, not reduced, sideways": lambda: grey_jpeg(_full(), _full(), CMYK, before=EXIF),
    "JPEG, colours finer than brightness": lambda: grey_jpeg(_full(), _full(), ODD),
    "JPEG, long side": lambda: grey_jpeg(
        photo_file.MAXIMUM_SIDE, photo_file.MAXIMUM_PIXELS // photo_file.MAXIMUM_SIDE, WHOLE
    ),
    "JPEG, restart after each block": lambda: grey_jpeg(_largest(), _largest(), WHOLE, restart=True),
    "JPEG, detailed": lambda: _detailed_jpeg(photo_file.MAXIMUM_PIXELS),
    "JPEG, detailed, not reduced": lambda: _detailed_jpeg(photo_file.FULL_PIXELS),
    "JPEG, no data": lambda: grey_jpeg(_largest(), _largest(), WHOLE, data=b""),
    "JPEG, data of restart markers": lambda: grey_jpeg(_largest(), _largest(), WHOLE, data=b"\xff\xd0" * 3_000_000),
    "JPEG, data of FF": lambda: grey_jpeg(_largest(), _largest(), WHOLE, data=b"\xff" * 6_000_000),
    "JPEG, 92 blocks of EXIF": lambda: grey_jpeg(64, 64, before=LONG_EXIF * 92),
    "JPEG, 92,000 quantisation tables": lambda: grey_jpeg(64, 64, before=TABLES * 92),
    "JPEG, 331,000 tables of codes": lambda: grey_jpeg(64, 64, before=CODES * 90),
    "JPEG, arithmetic": lambda: grey_jpeg(_largest(), _largest(), marker=0xC9),
    "JPEG, scan after scan": lambda: _scan_after_scan(_largest(), _largest()),
    "progressive JPEG": lambda: _many_scans(_largest(), _largest()),
    "progressive JPEG, most scans": lambda: _many_scans(
        side(photo_file.MAXIMUM_SCANNED_PIXELS / photo_file.MAXIMUM_SCANS)
    ),
    "progressive JPEG, CMYK": lambda: _many_scans(side(photo_file.MAXIMUM_COEFFICIENTS / 4), sampling=CMYK),
    "progressive JPEG, high": lambda: _many_scans(
        photo_file.MAXIMUM_PIXELS // photo_file.MAXIMUM_SIDE, photo_file.MAXIMUM_SIDE
    ),
    "progressive JPEG, detailed": lambda: _detailed_jpeg(photo_file.MAXIMUM_PIXELS, progressive=True),
    "PNG, RGBA of 16 bits": lambda: _png(16, 6, more=_chunk(b"eXIf", TURNED)),
    "PNG, RGBA of 16 bits, interlaced": lambda: _png(16, 6, interlaced=True),
    "PNG, RGBA": lambda: _png(8, 6, more=_chunk(b"eXIf", TURNED)),
    "PNG, RGB with a transparent colour": lambda: _png(8, 2, more=_chunk(b"tRNS", bytes(6))),
    "PNG, grey of 16 bits": lambda: _png(16, 0),
    "PNG, grey with transparency, interlaced": lambda: _png(16, 4, interlaced=True),
    "PNG, palette": lambda: _png(8, 3, more=_chunk(b"PLTE", bytes(768)) + _chunk(b"tRNS", bytes(256))),
    "PNG, black and white": lambda: _png(1, 0, more=_chunk(b"tRNS", bytes(2))),
    "PNG, 3 GB of data": _bomb,
    "PNG, 500,000 texts": lambda: noisy_png(4096, 8, 2, more=_chunk(b"tEXt", b"") * 500_000),
    "PNG, 500,000 empty pieces of data": lambda: noisy_png(4096, 8, 2, more=_chunk(b"IDAT", b"") * 500_000),
    "PNG, 500,000 palettes": lambda: noisy_png(4096, 8, 2, more=_chunk(b"PLTE", b"") * 500_000),
    "PNG, 400,000 entries of EXIF": lambda: noisy_png(
        4096, 8, 2, more=_chunk(b"eXIf", b"MM\0*\0\0\0\x08\xff\xff" + bytes(12) * 65_535) * 7
    ),
}
"""What is at a limit, or, if there is one for it, beyond."""
