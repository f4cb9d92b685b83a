"""PNGs of any header, palette, transparency and amount of pixels, with chunks of any kind between."""

import struct
import zlib

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.examples import fuzzed
from tests.fuzz.photo_doors import upright_photo
from tests.hard_photos import chunk

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
KNOWN = [b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"tEXt", b"zTXt", b"iTXt"]
KNOWN += [b"pHYs", b"sBIT", b"bKGD", b"hIST", b"tIME", b"eXIf", b"acTL", b"fcTL", b"fdAT", b"CgBI"]

sides = st.integers(16, 40) | st.sampled_from([15, 65_500, 65_501, 500_000]) | st.integers(0, 2**32 - 1)
depths = st.sampled_from([1, 2, 4, 8, 16]) | st.integers(0, 255)
colours = st.sampled_from(list(CHANNELS)) | st.integers(0, 255)
others = st.tuples(
    st.sampled_from(KNOWN) | st.binary(min_size=4, max_size=4),
    st.binary(max_size=40) | st.integers(0, 20_000).map(lambda length: zlib.compress(bytes(length))),
)


@st.composite
def pngs(draw: st.DrawFn) -> bytes:
    width, height, depth, colour = draw(sides), draw(sides), draw(depths), draw(colours)
    methods = draw(st.sampled_from([b"\0\0\0", b"\0\0\1"]) | st.binary(min_size=3, max_size=3))
    row = 1 + (width * depth * CHANNELS.get(colour, 1) + 7) // 8
    length = min(row * height, 4_000_000) + draw(st.just(0) | st.integers(-200, 200))
    pixels = bytes([draw(st.integers(0, 5))]) * max(length, 0)
    stream = zlib.compress(pixels)[: draw(st.none() | st.integers(0, 100))]
    chunks = [(b"IHDR", struct.pack(">IIBB", width, height, depth, colour) + methods)]
    if draw(st.booleans()) or colour == 3:
        chunks.append((b"PLTE", draw(st.just(bytes(range(48)) * 16) | st.binary(max_size=60))))
    if draw(st.booleans()):
        chunks.append((b"tRNS", draw(st.binary(max_size=8) | st.binary(max_size=300))))
    cut = draw(st.integers(0, len(stream)))
    chunks += [(b"IDAT", stream[:cut]), (b"IDAT", stream[cut:]), (b"IEND", b"")]
    for other in draw(st.lists(others, max_size=3)):
        chunks.insert(draw(st.integers(0, len(chunks))), other)
    wrong = draw(st.none() | st.integers(0, len(chunks)))
    made = [chunk(kind, body)[: -4 if place == wrong else None] for place, (kind, body) in enumerate(chunks)]
    return b"\x89PNG\r\n\x1a\n" + b"".join(piece + bytes(4) * (place == wrong) for place, piece in enumerate(made))


@fuzzed(60)
@given(pngs())
def test_any_chunks_are_a_photo_or_refused_alike(content: bytes) -> None:
    upright_photo(content, 32)
