"""Each statistic sees what it is for, and is blind to what it is not for."""

import io

import pytest
from PIL import Image, ImageDraw, ImageFilter

import photo_file
from photo_statistics import SIDE, photo_statistics


def statistics(image: Image.Image, orientation: int = 1) -> dict[str, float]:
    file, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = orientation
    image.save(file, "PNG", exif=exif)
    return photo_statistics(photo_file.read(file.getvalue(), SIDE))


@pytest.fixture
def shelf() -> Image.Image:
    """Boards one above the other, in light from above."""
    image = Image.new("RGB", (SIDE, SIDE), (60, 60, 60))
    draw = ImageDraw.Draw(image)
    for top in range(0, SIDE, 16):
        level = 200 - top // 2
        draw.rectangle((0, top, SIDE, top + 7), fill=(level, level, level))
    return image


def test_of_an_even_photo_everything_is_known() -> None:
    found = statistics(Image.new("RGB", (320, 200), (90, 90, 90)))
    assert found == {
        "brightness": 90,
        "contrast": 0,
        "sharpness": 0,
        "direction": 0,
        "lightFromAbove": 0,
        "pixels": 64_000,
        "aspect": 1.6,
    }


def test_a_checkerboards_laplacian_is_known() -> None:
    # given grey values of 120 and 130: each pixel differs from its four neighbours by 10
    image = Image.new("L", (SIDE, SIDE))
    image.putdata([120 + 10 * ((x + y) % 2) for y in range(SIDE) for x in range(SIDE)])
    # then
    found = statistics(image.convert("RGB"))
    assert (found["brightness"], found["contrast"], found["sharpness"]) == (125, 5, pytest.approx(40**2))


def test_a_dark_photo_is_darker_and_a_blurred_one_less_sharp(shelf: Image.Image) -> None:
    plain, dark = statistics(shelf), statistics(shelf.point(lambda value: value * 0.6))
    blurred = statistics(shelf.filter(ImageFilter.GaussianBlur(2)))
    assert dark["brightness"] == pytest.approx(0.6 * plain["brightness"], rel=0.02)
    assert blurred["sharpness"] < 0.2 * plain["sharpness"]
    assert blurred["brightness"] == pytest.approx(plain["brightness"], rel=0.02)


def test_a_quarter_turn_of_a_square_photo_shows_in_the_direction_alone(shelf: Image.Image) -> None:
    plain, turned = statistics(shelf), statistics(shelf.transpose(Image.Transpose.ROTATE_90))
    assert plain["direction"] == pytest.approx(-turned["direction"])
    assert plain["direction"] < -0.9
    for name in ("brightness", "contrast", "sharpness", "pixels", "aspect"):
        assert turned[name] == pytest.approx(plain[name]), name


def test_a_camera_upside_down_shows_in_where_the_light_is(shelf: Image.Image) -> None:
    plain, turned = statistics(shelf), statistics(shelf.transpose(Image.Transpose.ROTATE_180))
    assert plain["lightFromAbove"] > 20
    assert turned["lightFromAbove"] == pytest.approx(-plain["lightFromAbove"])


def test_size_and_aspect_are_those_of_the_upright_photo() -> None:
    # given a photo that its orientation (6) turns by 90 degrees
    found = statistics(Image.new("RGB", (300, 200)), orientation=6)
    assert (found["pixels"], found["aspect"]) == (60_000, pytest.approx(200 / 300))
