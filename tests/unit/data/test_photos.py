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

import photo_file
from bins import photos
from bins.photos import BadImage

ORIGINALS = Path(__file__).resolve().parents[3].parent / "shared" / "abid-originals" / "bin-images"


def opened(photo: photos.Photo) -> Image.Image:
    return Image.open(io.BytesIO(photo.content))


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("size", [(487, 334), (334, 487), (500, 500), (1069, 240), (449, 900)])
def test_for_training_the_whole_photo_becomes_a_square(size: tuple[int, int]) -> None:
    photo = photos.for_training(jpeg(*size, quality=100), 224)
    assert photo.source_size == size
    assert photo.size == opened(photo).size == (224, 224)


@pytest.mark.parametrize("size", [(224, 224), (100, 300), (20, 20)])
def test_for_training_a_file_that_is_smaller_as_it_is_keeps_its_bytes(size: tuple[int, int]) -> None:
    content = jpeg(*size)
    assert photos.for_training(content, 224).content is content


@pytest.mark.parametrize("content", [jpeg(500, 375, quality=95), encoded(Image.new("RGB", (500, 375)), "PNG")])
def test_what_measures_keeps_the_cameras_bytes(content: bytes) -> None:
    photo = photos.as_taken(content, 224)
    assert photo.content is content
    assert photo.size == photo.source_size == (500, 375)


def decibels(one: Image.Image, other: Image.Image) -> float:
    """Peak signal-to-noise ratio."""
    histogram = ImageChops.difference(one, other).histogram()
    squares = sum((level % 256) ** 2 * number for level, number in enumerate(histogram))
    return 10 * math.log10(255**2 * sum(histogram) / squares) if squares else math.inf


@pytest.mark.parametrize("size", [(1281, 961), (487, 335), (641, 449), (900, 2701)])
@pytest.mark.parametrize(
    "options",
    [{}, {"subsampling": "4:4:4"}, {"subsampling": "4:2:2"}, {"progressive": True}, {"exif": b"Exif\0\0"}],
    ids=str,
)
def test_training_sees_what_the_endpoint_will_see(size: tuple[int, int], options: dict[str, object]) -> None:
    # Given a photo with fine structure and coarser colours
    width, height = size
    fine = Image.effect_noise((width // 8, height // 8), 60)
    colours = [Image.effect_noise((width // 32, height // 32), 20).resize(fine.size) for _ in range(2)]
    large = Image.merge("YCbCr", [fine, *colours]).convert("RGB").resize(size)
    content = encoded(large, "JPEG", quality=95, **options)
    # When it is packed for training, and read as the endpoint reads it
    photo, served = photos.for_training(content, 224), photo_file.squashed(content, 224)
    # Then both are the same but for one saving as JPEG, neither shifted nor tinted
    assert decibels(photo_file.squashed(photo.content, 224), served) > 35
    # and as true as what a full decode and the same filter give
    whole = Image.open(io.BytesIO(content)).convert("RGB").resize((224, 224), Image.Resampling.BILINEAR)
    assert decibels(served, whole) > 35


@pytest.mark.skipif(not ORIGINALS.is_dir(), reason="the original photos are not at hand")
def test_of_a_real_photo_training_loses_nothing_visible() -> None:
    for path in sorted(ORIGINALS.glob("*.jpg")):
        content = path.read_bytes()
        packed = photos.for_training(content, 224).content
        assert decibels(photo_file.squashed(packed, 224), photo_file.squashed(content, 224)) > 40, path.name


def test_the_bytes_are_the_same_whatever_runs_beside() -> None:
    originals = [jpeg(300 + width, 301) for width in range(40)]
    alone = [photos.for_training(original, 224).content for original in originals]
    with ThreadPoolExecutor(8) as pool:
        assert [photo.content for photo in pool.map(photos.for_training, originals, itertools.repeat(224))] == alone


@given(st.floats(0, 1, exclude_max=True))
def test_a_photo_cut_off_anywhere_is_refused(share: float) -> None:
    content = jpeg(500, 375, quality=95)
    with pytest.raises(BadImage):
        photos.as_taken(content[: int(share * len(content))], 224)


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGBA", "P", "1", "LA", "I;16"])
def test_for_training_every_kind_of_pixel_becomes_rgb(mode: str) -> None:
    kind = "JPEG" if mode in ("L", "CMYK") else "PNG"
    noise = Image.effect_noise((600, 400), 90).convert(mode)
    photo = photos.for_training(encoded(noise, kind), 64)
    assert (opened(photo).format, opened(photo).mode) == ("JPEG", "RGB")
    assert photo.size == (64, 64)


def test_for_training_a_photo_taken_sideways_is_turned_once() -> None:
    # Given a photo that is bright below, stored on its side
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded(Image.linear_gradient("L").resize((600, 400)).convert("RGB"), "JPEG", exif=exif, quality=95)
    # When
    photo = photos.for_training(content, 64)
    # Then brightness grows to the left, and nobody turns it again
    row = opened(photo).convert("L").resize((8, 1), Image.Resampling.BOX).tobytes()
    assert list(row) == sorted(row, reverse=True)
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
        (encoded(Image.new("1", (16, 70_000)), "PNG"), "image too large"),
    ],
)
def test_what_is_no_photo_is_refused_with_a_reason(content: bytes, reason: str) -> None:
    for prepare in (photos.as_taken, photos.for_training):
        with pytest.raises(BadImage, match=f"^{reason}$"):
            prepare(content, 224)


@given(st.integers(0, 2000), st.binary(min_size=1, max_size=30))
def test_damage_anywhere_is_a_photo_or_a_named_reason(place: int, damage: bytes) -> None:
    content = bytearray(jpeg(120, 90))
    content[place : place + len(damage)] = damage
    try:
        photo = photos.for_training(bytes(content), 64)
    except BadImage:
        return
    opened(photo).load()


def test_a_thumbnail_is_small() -> None:
    assert max(Image.open(io.BytesIO(photos.thumbnail(jpeg(500, 300)))).size) == photos.THUMBNAIL
