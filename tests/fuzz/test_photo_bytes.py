"""The bytes of photos: JPEGs and PNGs of every kind that is read, and what becomes of them on their way."""

import struct

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.fuzz.examples import fuzzed
from tests.fuzz.mutations import mutated
from tests.fuzz.photo_doors import upright_photo
from tests.hard_photos import END, ODD_EXIF, of_many_scans, picture, saved

SMALL, LARGE = picture(40, 33), picture(300, 210)
JPEGS = [
    saved(SMALL),
    saved(SMALL, progressive=True),
    saved(SMALL, subsampling=0),
    saved(SMALL, subsampling=1, quality=30),
    saved(SMALL, restart_marker_blocks=1),
    saved(SMALL, exif=ODD_EXIF["width as text"], comment=b"bin"),
    saved(SMALL.convert("L")),
    saved(SMALL.convert("L"), progressive=True, restart_marker_rows=1),
    saved(SMALL.convert("CMYK")),
    saved(SMALL.convert("CMYK"), progressive=True),
    saved(Image.new("RGB", (40, 33), (128, 128, 128))),
    saved(LARGE, quality=40),
    saved(LARGE, quality=40, progressive=True),
    of_many_scans(49, 40, 33),
]
PNGS = [
    saved(SMALL, "PNG"),
    saved(SMALL.convert("RGBA"), "PNG"),
    saved(SMALL.convert("LA"), "PNG"),
    saved(SMALL.convert("L"), "PNG", transparency=90),
    saved(SMALL.quantize(16), "PNG", transparency=b"\0\x80\xff", bits=4),
    saved(SMALL.convert("1"), "PNG"),
    saved(SMALL.convert("I;16"), "PNG"),
    saved(SMALL, "PNG", exif=ODD_EXIF["maker as a number"]),
    saved(LARGE.quantize(4), "PNG"),
]
MARKERS = [bytes([0xFF, marker]) for marker in range(0xC0, 0xFF)] + [
    END,
    b"\xff\xff",
    b"\xff\0",
    b"\0\0",
    b"\xff\xd8\xff",
]
KINDS = [b"IHDR", b"IDAT", b"PLTE", b"tRNS", b"IEND", b"eXIf", b"fcTL", b"fdAT", b"iCCP", b"\x89PNG\r\n\x1a\n"]
sides = st.sampled_from([32, 64, 224])


@fuzzed(150)
@given(mutated(JPEGS, pieces=MARKERS), sides, st.sampled_from([b"", END]))
def test_any_jpeg_is_a_photo_or_refused_alike(content: bytes, short_side: int, end: bytes) -> None:
    upright_photo(content + end, short_side)


@fuzzed(100)
@given(mutated(PNGS, pieces=KINDS), sides)
def test_any_png_is_a_photo_or_refused_alike(content: bytes, short_side: int) -> None:
    upright_photo(content, short_side)


segments = st.tuples(
    st.sampled_from([0xC0, 0xC1, 0xC2, 0xC4, 0xDA, 0xDB, 0xDD, 0xE0, 0xE1, 0xEE, 0xFE]) | st.integers(0, 255),
    st.binary(max_size=24),
)


@fuzzed(60)
@given(st.sampled_from(JPEGS), st.lists(segments, max_size=3), st.data())
def test_segments_of_any_bytes_are_a_photo_or_refused_alike(
    jpeg: bytes, put: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    for marker, body in put:
        place = data.draw(st.sampled_from([n for n in range(2, len(jpeg)) if jpeg[n] == 0xFF]))
        jpeg = jpeg[:place] + bytes([0xFF, marker]) + struct.pack(">H", 2 + len(body)) + body + jpeg[place:]
    upright_photo(jpeg, 32)


@fuzzed(40)
@given(st.binary(max_size=300), st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"]))
def test_any_bytes_are_a_photo_or_refused_alike(content: bytes, beginning: bytes) -> None:
    upright_photo(beginning + content, 32)
