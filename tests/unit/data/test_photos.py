import io
import itertools
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from bin_source import jpeg
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops

from bins import photos
from bins.photos import BadImage

ORIGINALS = Path(__file__).resolve().parents[3].parent / "shared" / "abid-originals" / "bin-images"


def opened(photo: photos.Photo) -> Image.Image:
    return Image.open(io.BytesIO(photo.content))


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("size", [(487, 334), (334, 487), (500, 500), (1069, 240), (225, 224), (449, 900)])
def test_the_short_side_fits_and_the_aspect_ratio_stays(size: tuple[int, int]) -> None:
    photo = photos.reduce(jpeg(*size), 224)
    assert photo.source_size == size
    assert photo.size == opened(photo).size
    assert min(photo.size) == 224
    assert photo.size[0] / photo.size[1] == pytest.approx(size[0] / size[1], rel=0.01)


@pytest.mark.parametrize("size", [(224, 224), (400, 224), (100, 300), (20, 20)])
def test_a_photo_that_fits_keeps_its_bytes(size: tuple[int, int]) -> None:
    content = jpeg(*size)
    assert photos.reduce(content, 224).content is content


def decibels(one: Image.Image, other: Image.Image) -> float:
    """Peak signal-to-noise ratio."""
    histogram = ImageChops.difference(one, other).histogram()
    squares = sum((level % 256) ** 2 * number for level, number in enumerate(histogram))
    return 10 * math.log10(255**2 * sum(histogram) / squares)


@pytest.mark.parametrize("size", [(1281, 961), (487, 335), (641, 449), (900, 2701), (226, 225)])
@pytest.mark.parametrize(
    "options",
    [{}, {"subsampling": "4:4:4"}, {"subsampling": "4:2:2"}, {"progressive": True}, {"exif": b"Exif\0\0"}],
    ids=str,
)
def test_a_reduced_photo_is_as_true_as_by_the_usual_way(size: tuple[int, int], options: dict[str, object]) -> None:
    # Given a photo with fine structure and coarser colours
    width, height = size
    fine = Image.effect_noise((width // 8, height // 8), 60)
    colours = [Image.effect_noise((width // 32, height // 32), 20).resize(fine.size) for _ in range(2)]
    large = Image.merge("YCbCr", [fine, *colours]).convert("RGB").resize(size)
    content = encoded(large, "JPEG", quality=95, **options)
    # When it is reduced
    photo = photos.reduce(content, 224)
    # Then it is as true as what a full decode, Pillow's default filter and saving give, neither shifted nor tinted
    whole = Image.open(io.BytesIO(content)).convert("RGB")
    careful = whole.resize(photo.size, Image.Resampling.LANCZOS)
    usual = encoded(whole.resize(photo.size), "JPEG", quality=photos.QUALITY)
    assert decibels(opened(photo), careful) > decibels(Image.open(io.BytesIO(usual)), careful) - 3


@pytest.mark.skipif(not ORIGINALS.is_dir(), reason="the original photos are not at hand")
def test_reducing_a_real_photo_loses_nothing_visible() -> None:
    for path in sorted(ORIGINALS.glob("*.jpg")):
        content = path.read_bytes()
        photo = photos.reduce(content, 224)
        careful = Image.open(path).resize(photo.size, Image.Resampling.LANCZOS)
        assert decibels(opened(photo), careful) > 35, path.name


def test_the_bytes_are_the_same_whatever_runs_beside() -> None:
    originals = [jpeg(300 + width, 301) for width in range(40)]
    alone = [photos.reduce(original, 224).content for original in originals]
    with ThreadPoolExecutor(8) as pool:
        assert [photo.content for photo in pool.map(photos.reduce, originals, itertools.repeat(224))] == alone


@given(st.floats(0, 1, exclude_max=True))
def test_a_photo_cut_off_anywhere_is_refused(share: float) -> None:
    content = jpeg(500, 375, quality=95)
    with pytest.raises(BadImage):
        photos.reduce(content[: int(share * len(content))], 224)


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGBA", "P", "1", "LA", "I;16"])
@pytest.mark.parametrize("short_side", [24, 224])
def test_every_kind_of_pixel_becomes_rgb(mode: str, short_side: int) -> None:
    kind = "JPEG" if mode in ("L", "CMYK") else "PNG"
    photo = photos.reduce(encoded(Image.linear_gradient("L").resize((60, 40)).convert(mode), kind), short_side)
    assert (opened(photo).format, opened(photo).mode) == ("JPEG", "RGB")
    assert photo.size == ((36, 24) if short_side == 24 else (60, 40))


def test_a_photo_taken_sideways_is_turned_once() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded(Image.linear_gradient("L").resize((60, 40)).convert("RGB"), "JPEG", exif=exif)
    for short_side in (24, 224):
        photo = photos.reduce(content, short_side)
        assert photo.size[0] < photo.size[1]
        assert opened(photo).getexif().get(0x0112, 1) == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a JPEG or PNG image"),
        (b"PK\x03\x04" + b"\0" * 100, "not a JPEG or PNG image"),
        (encoded(Image.new("RGB", (50, 50)), "GIF"), "not a JPEG or PNG image"),
        (jpeg(300, 200)[:2000], "damaged image"),
        (jpeg(100, 100)[:-600], "damaged image"),
        (jpeg(1, 1), "image too small"),
        (jpeg(500, 10), "image too small"),
        (encoded(Image.new("1", (20_000, 20_000)), "PNG"), "image too large"),
        (encoded(Image.new("1", (8_000, 8_000)), "PNG"), "image too large"),
    ],
)
def test_what_is_no_photo_is_refused_with_a_reason(content: bytes, reason: str) -> None:
    with pytest.raises(BadImage, match=f"^{reason}$"):
        photos.reduce(content, 224)


@given(st.integers(0, 2000), st.binary(min_size=1, max_size=30))
def test_damage_anywhere_is_a_photo_or_a_named_reason(place: int, damage: bytes) -> None:
    content = bytearray(jpeg(120, 90))
    content[place : place + len(damage)] = damage
    try:
        photo = photos.reduce(bytes(content), 64)
    except BadImage:
        return
    opened(photo).load()


def test_a_thumbnail_is_small() -> None:
    assert max(Image.open(io.BytesIO(photos.thumbnail(jpeg(500, 300)))).size) == photos.THUMBNAIL
