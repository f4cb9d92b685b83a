"""EXIF blocks: directories of any tags, types, numbers and pointers, in either order, cut anywhere."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.examples import fuzzed
from tests.fuzz.photo_doors import upright_photo
from tests.hard_photos import chunk, picture, saved, with_segment

JPEG, PNG = saved(picture(48, 33)), saved(picture(48, 33), "PNG")
TAGS = (0x0100, 0x010F, 0x0112, 0x011A, 0x0201, 0x0202, 0x8769, 0x8825, 0xA005, 0x927C)


@st.composite
def blocks(draw: st.DrawFn) -> bytes:
    order = draw(st.sampled_from("<>"))
    head = (
        draw(st.sampled_from([b"II*\0", b"MM\0*", b"II+\0"]))
        if draw(st.booleans())
        else {"<": b"II*\0"}.get(order, b"MM\0*")
    )
    entries = draw(
        st.lists(
            st.tuples(
                st.sampled_from(TAGS) | st.integers(0, 0xFFFF),
                st.integers(0, 14) | st.integers(0, 0xFFFF),
                st.integers(0, 2) | st.integers(0, 0xFFFFFFFF),
                st.integers(0, 400) | st.integers(0, 0xFFFFFFFF),
            ),
            max_size=6,
        )
    )
    number = draw(st.just(len(entries)) | st.integers(0, 0xFFFF))
    start = draw(st.just(8) | st.integers(0, 40) | st.integers(0, 0xFFFFFFFF))
    directory = b"".join(struct.pack(f"{order}HHII", *entry) for entry in entries)
    behind = draw(st.just(bytes(4)) | st.binary(max_size=30))
    block = head + struct.pack(f"{order}IH", start, number) + directory + behind
    return block[: draw(st.just(len(block)) | st.integers(0, len(block)))]


@fuzzed(60)
@given(
    blocks() | st.binary(max_size=60), st.sampled_from([b"Exif\0\0", b"Exif\0", b"http://ns.adobe.com/xap/1.0/\0", b""])
)
def test_no_block_costs_a_jpeg(block: bytes, name: bytes) -> None:
    image = upright_photo(with_segment(JPEG, 0xE1, name + block), 32)
    assert image is not None
    assert sorted(image.size) == [33, 48]


@fuzzed(60)
@given(blocks() | st.binary(max_size=60))
def test_no_block_costs_a_png_and_both_kinds_are_turned_alike(block: bytes) -> None:
    place = PNG.index(b"IDAT") - 4
    image = upright_photo(PNG[:place] + chunk(b"eXIf", block) + PNG[place:], 32)
    jpeg = upright_photo(with_segment(JPEG, 0xE1, b"Exif\0\0" + block), 32)
    assert image is not None
    assert jpeg is not None
    assert sorted(image.size) == [33, 48]
    assert image.size == jpeg.size
