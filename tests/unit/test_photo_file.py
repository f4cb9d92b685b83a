"""The one reading of a photo: what is read, what is refused and why, and that no file causes much work."""

import io
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

import photo_file
from photo_file import ImageRefused, ImageTooLarge, read, squashed
from tests.hard_photos import (
    END,
    ODD_EXIF,
    SCAN,
    chunk,
    cut_with_end,
    exif,
    of_many_scans,
    picture,
    saved,
    with_segment,
    with_wrong_checksum,
)

KINDS = {
    "baseline": saved(picture()),
    "progressive": saved(picture(), progressive=True),
    "whole colours": saved(picture(), subsampling=0),
    "grey": saved(picture().convert("L")),
    "CMYK": saved(picture().convert("CMYK")),
    "restart markers": saved(picture(), restart_marker_blocks=2),
    "sideways": saved(picture(), exif=ODD_EXIF["width as text"]),
}


def upright(content: bytes) -> Image.Image:
    return read(content).upright()


def test_pixels_are_pillows() -> None:
    for content in KINDS.values():
        stored = Image.open(io.BytesIO(content)).convert("RGB")
        assert read(content).stored.tobytes() == stored.tobytes()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_every_orientation_is_turned_as_pillow_turns_it(orientation: int, kind: str) -> None:
    given_ = Image.Exif()
    given_[0x0112] = orientation
    content = saved(picture(), kind, exif=given_)
    assert upright(content).tobytes() == ImageOps.exif_transpose(Image.open(io.BytesIO(content))).tobytes()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("name", ODD_EXIF)
def test_a_tag_of_another_type_costs_neither_photo_nor_orientation(name: str, kind: str) -> None:
    content = saved(picture(64, 48), kind, exif=ODD_EXIF[name])
    assert upright(content).size == (48, 64)


@given(st.binary(max_size=80), st.sampled_from([0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xFE]), st.sampled_from(["", "Exif\0\0"]))
def test_metadata_of_any_bytes_costs_no_photo(body: bytes, marker: int, prefix: str) -> None:
    name = {0xE0: b"JFIF\0", 0xE2: b"MPF\0", 0xED: b"Photoshop 3.0\x008BIM"}.get(marker, prefix.encode())
    if marker != 0xEE:  # That of Adobe decides the colours.
        image = upright(with_segment(KINDS["baseline"], marker, name + body))
        assert sorted(image.size) == [48, 64]


@given(st.binary(max_size=80), st.sampled_from([b"iCCP", b"zTXt", b"iTXt", b"pHYs", b"acTL", b"fcTL", b"eXIf"]))
def test_chunks_of_any_bytes_cost_no_png(body: bytes, kind: bytes) -> None:
    png = saved(picture(), "PNG")
    header = png.index(b"IDAT") - 4
    assert sorted(upright(png[:header] + chunk(kind, body) + png[header:]).size) == [48, 64]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.9])
def test_a_jpeg_cut_with_an_end_put_behind_is_incomplete(name: str, share: float) -> None:
    with pytest.raises(ImageRefused, match="incomplete"):
        read(cut_with_end(KINDS[name], share))


def test_a_jpeg_without_its_last_row_is_incomplete() -> None:
    # given a photo whose last row of blocks shows one row of pixels, and which ends before it
    whole = saved(picture(64, 49), restart_marker_rows=1)
    with pytest.raises(ImageRefused, match="incomplete"):
        read(whole[: whole.rindex(b"\xff\xd2") + 2] + END)


def test_a_progressive_jpeg_that_ends_after_any_of_its_scans_but_the_last_is_incomplete() -> None:
    whole = KINDS["progressive"]
    place = whole.index(SCAN)
    while (place := whole.find(SCAN, place + 1)) > 0:
        with pytest.raises(ImageRefused, match="parts of the picture are missing"):
            read(whole[:place] + END)


@pytest.mark.parametrize("colour", [127, 128, (128, 128, 128)])
@pytest.mark.parametrize("progressive", [False, True])
def test_grey_that_is_in_the_photo_is_not_taken_for_missing(colour: int, progressive: bool) -> None:
    image = Image.new("L" if isinstance(colour, int) else "RGB", (50, 40), colour)
    assert upright(saved(image, progressive=progressive)).getpixel((49, 39)) in {(127,) * 3, (128,) * 3}


def test_a_png_whose_checksum_is_wrong_is_damaged() -> None:
    png = saved(picture(), "PNG")
    for kind in (b"IHDR", b"IDAT"):
        with pytest.raises(ImageRefused, match=r"damaged.*checksum"):
            read(with_wrong_checksum(png, kind))


def test_a_png_of_a_palette_without_its_palette_is_damaged() -> None:
    png = saved(picture().convert("P"), "PNG")
    place = png.index(b"PLTE") - 4
    without = png[:place] + png[place + 12 + int.from_bytes(png[place : place + 4]) :]
    with pytest.raises(ImageRefused, match="damaged"):
        read(without).upright()


def test_the_pixels_of_a_png_may_lie_in_many_chunks() -> None:
    png = saved(picture(), "PNG")
    start = png.index(b"IDAT")
    body = png[start + 4 : start + 4 + int.from_bytes(png[start - 4 : start])]
    pieces = b"".join(chunk(b"IDAT", body[n : n + 10]) for n in range(0, len(body), 10))
    assert upright(png[: start - 4] + pieces + chunk(b"IEND", b"")).tobytes() == picture().tobytes()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (of_many_scans(1500, 64, 48), "too many scans"),
        (of_many_scans(photo_file.MAXIMUM_SCANS + 1, 64, 48), "too many scans"),
        (of_many_scans(20, 7000, 6000), "too many scans"),
        (KINDS["baseline"][:2] + b"\xff\xe1\0\2" * 5000 + KINDS["baseline"][2:], "segments"),
        (KINDS["progressive"].replace(b"\x00\x30\x00\x40\x03\x01\x22", b"\x17\x70\x1f\x40\x03\x01\x11"), "progressive"),
        (saved(Image.new("1", (5000, 4000)), "PNG"), "too many pixels"),
        (saved(Image.new("I;16", (4000, 3000)), "PNG"), "at most 8,000,000"),
    ],
    ids=[
        "scans",
        "one scan",
        "scans of a large photo",
        "segments",
        "coefficients",
        "large PNG",
        "large PNG of 16 bits",
    ],
)
def test_work_is_bounded_before_anything_is_decoded(
    content: bytes, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_file.Image, "open", lambda *_: pytest.fail("it was decoded"))
    with pytest.raises(ImageTooLarge, match=reason):
        read(content)


def test_as_many_scans_as_are_allowed_are_read() -> None:
    assert read(of_many_scans(photo_file.MAXIMUM_SCANS, 64, 48)).size == (64, 48)


@pytest.mark.parametrize(
    ("size", "short_side", "stored"),
    [
        ((8000, 6000), None, (4000, 3000)),
        ((4000, 3000), None, (4000, 3000)),
        ((4000, 3000), 224, (1000, 750)),
        ((1792, 1793), 224, (448, 448)),
        ((1791, 1793), 224, (895, 896)),
        ((785, 1069), 224, (785, 1069)),
    ],
)
def test_large_photos_are_decoded_reduced(
    size: tuple[int, int], short_side: int | None, stored: tuple[int, int]
) -> None:
    photo = read(saved(Image.new("RGB", size, (200, 30, 40)), quality=50), short_side)
    assert (photo.size, photo.stored.size) == (size, stored)


@pytest.mark.parametrize("size", [(487, 335), (335, 487), (2001, 1501), (20, 30)])
def test_a_squashed_photo_shows_all_of_it_upright(size: tuple[int, int]) -> None:
    # given a photo taken sideways, dark on the left of what is to be seen
    seen = Image.new("RGB", size, "white")
    seen.paste("black", (0, 0, size[0] // 2, size[1]))
    taken = seen.transpose(Image.Transpose.ROTATE_90)
    # when
    square = squashed(saved(taken, exif=ODD_EXIF["width as text"], quality=95), 32)
    # then
    assert square.size == (32, 32)
    columns = square.convert("L").resize((32, 1), Image.Resampling.BOX).tobytes()
    assert max(columns[:15]) < 40
    assert min(columns[17:]) > 215


def test_a_square_of_the_side_that_is_wanted_keeps_its_pixels() -> None:
    content = saved(picture(32, 32))
    assert squashed(content, 32).tobytes() == read(content).stored.tobytes()


def verdict(content: bytes, short_side: int | None) -> tuple[str, str]:
    try:
        return "photo", str(read(content, short_side).size)
    except ImageRefused as error:
        return type(error).__name__, str(error)


LARGE = [saved(picture(400, 300), quality=60), saved(picture(400, 300), quality=60, progressive=True)]


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_a_reduced_reading_and_a_full_one_have_the_same_verdict(data: st.DataObject) -> None:
    file = bytearray(data.draw(st.sampled_from([*KINDS.values(), *LARGE, saved(picture(), "PNG")])))
    for position in data.draw(st.lists(st.integers(0, len(file) - 1), max_size=4)):
        file[position] = data.draw(st.integers(0, 255))
    content = bytes(file[: data.draw(st.integers(len(file) // 2, len(file)))])
    content += data.draw(st.sampled_from([b"", END]))
    assert verdict(content, 16) == verdict(content, None)


def test_what_is_no_photo_at_all_is_said_so() -> None:
    for content in (b"", b"PK\x03\x04", saved(picture(), "GIF"), zlib.compress(b"a")):
        with pytest.raises(photo_file.NotAnImage, match="not a JPEG or PNG"):
            read(content)


def test_an_orientation_may_be_a_long_in_either_order() -> None:
    little = exif((0x0112, 4, 1, b"\x06\0\0\0"))
    big = b"Exif\0\0MM\0*\0\0\0\x08\0\1\x01\x12\0\4\0\0\0\1\0\0\0\x06\0\0\0\0"
    for block in (little, big):
        assert upright(with_segment(KINDS["baseline"], 0xE1, block)).size == (48, 64)
