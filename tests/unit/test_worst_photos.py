"""The work that one photo can cause: counted, of all that is at a limit, with every limit at a hundredth.

`python -m bench.worst_photos` measures the same photos in full.
"""

import io
from typing import Any

import pytest
from PIL import Image

import photo_file
from bench.worst_files import KINDS, MOST
from photo_file import ImageRefused
from tests.hard_photos import SCAN

PIXELS = ("MAXIMUM_PIXELS", "MAXIMUM_PNG_PIXELS", "MAXIMUM_SCANNED_PIXELS", "MAXIMUM_COEFFICIENTS", "FULL_PIXELS")
REFUSED = {
    "JPEG, arithmetic": "rare kind",
    "JPEG, data of FF": "damaged",
    "PNG, 500,000 palettes": "more than one",
}


def test_the_limits_are_those_that_were_measured() -> None:
    assert photo_file.MAXIMUM_PIXELS <= 50e6
    assert photo_file.MAXIMUM_PNG_PIXELS <= 16e6
    assert photo_file.MAXIMUM_SCANNED_PIXELS <= 500e6
    assert photo_file.MAXIMUM_COEFFICIENTS <= 80e6
    assert photo_file.FULL_PIXELS <= 12.5e6


@pytest.mark.parametrize("name", KINDS)
def test_the_worst_photos_are_decoded_twice_at_most_and_within_the_limits(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given limits at a hundredth, a photo that is at one, and a decoder that tells what it is given
    for limit in PIXELS:
        monkeypatch.setattr(photo_file, limit, getattr(photo_file, limit) // 100)
    monkeypatch.setattr(photo_file, "MAXIMUM_SIDE", photo_file.MAXIMUM_SIDE // 10)
    photo, opened, given = KINDS[name](), Image.open, []

    def telling(file: io.BytesIO, **options: Any) -> Image.Image:
        image = opened(file, **options)
        given.append((file.getvalue(), image.size, image))  # a reduced reading changes its size
        return image

    monkeypatch.setattr(photo_file.Image, "open", telling)
    # When it is read
    try:
        photo_file.read(photo)
        refusal = ""
    except ImageRefused as error:
        refusal = str(error)
    # Then
    assert len(photo) <= MOST
    assert REFUSED.get(name, "") in refusal
    assert bool(refusal) is (name in REFUSED)
    assert len(given) <= (2 if "JPEG" in name else 1)
    for content, size, image in given:
        if image.format == "PNG":
            assert image.width * image.height <= photo_file.MAXIMUM_PNG_PIXELS
            assert all(content.count(kind) <= 1 for kind in (b"IHDR", b"PLTE", b"tRNS", b"IDAT"))
            continue
        scans = content.count(SCAN)
        assert scans <= photo_file.MAXIMUM_SCANS
        assert scans == 1 or scans * size[0] * size[1] <= photo_file.MAXIMUM_SCANNED_PIXELS
        assert image.width * image.height <= 1.01 * photo_file.FULL_PIXELS  # halves are rounded up
