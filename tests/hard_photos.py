"""Photos as they come: files with something wrong or unusual, each made of a sound one."""

import io
import struct
import zlib
from typing import Any

from PIL import Image

END = b"\xff\xd9"
SCAN = b"\xff\xda"
SIDEWAYS = 6
"""The EXIF orientation of a photo that is turned clockwise to be seen."""


def picture(width: int = 64, height: int = 48) -> Image.Image:
    """Something to see everywhere, with no mid-grey, in RGB."""
    red = Image.linear_gradient("L").resize((width, height)).point(lambda value: 140 + value // 3)
    return Image.merge("RGB", [red, red.rotate(180), red.point(lambda value: value // 4)])


def saved(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def exif(*entries: tuple[int, int, int, bytes]) -> bytes:
    """An EXIF block in little-endian of (tag, type, number of values, four bytes)."""
    body = b"".join(struct.pack("<HHI", *entry[:3]) + entry[3] for entry in entries)
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(entries)) + body + bytes(4)


_TURNED = (0x0112, 3, 1, bytes([SIDEWAYS, 0, 0, 0]))
ODD_EXIF = {
    "width as text": exif((0x0100, 2, 4, b"640\0"), _TURNED),
    "pointer as text": exif((0xA005, 2, 4, b"R98\0"), _TURNED),
    "maker as a number": exif((0x010F, 11, 1, b"\0\0\x80?"), _TURNED),
    "resolution as text": exif((0x011A, 2, 3, b"72\0\0"), _TURNED),
}
"""Blocks that say sideways, with one tag of another type than it has."""


def with_segment(jpeg: bytes, marker: int, body: bytes) -> bytes:
    """A JPEG with a segment put behind its beginning."""
    return jpeg[:2] + bytes([0xFF, marker]) + struct.pack(">H", 2 + len(body)) + body + jpeg[2:]


def cut_with_end(jpeg: bytes, share: float) -> bytes:
    """The first part of a JPEG's scans, with an end marker put behind."""
    start = jpeg.index(SCAN) + 20
    return jpeg[: start + int(share * (len(jpeg) - start))] + END


def of_many_scans(scans: int, width: int, height: int) -> bytes:
    """A progressive JPEG that says the same in scan after scan."""
    jpeg = saved(Image.new("RGB", (width, height), (200, 30, 40)), progressive=True)
    last = jpeg[jpeg.rindex(SCAN) : -len(END)]
    return jpeg[: -len(END)] + last * (scans - jpeg.count(SCAN)) + END


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def with_wrong_checksum(png: bytes, kind: bytes) -> bytes:
    """A PNG whose first chunk of a kind says another checksum than it has."""
    start = png.index(kind)
    end = start + 4 + int.from_bytes(png[start - 4 : start])
    return png[:end] + bytes(4) + png[end + 4 :]
