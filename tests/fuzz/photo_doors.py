"""A photo at its doors: a full reading, packing for training and for what measures, and the network's pixels."""

import io

from PIL import Image

import photo_file
from bins import photos
from tests.fuzz.examples import outcome


def upright_photo(content: bytes, side: int) -> Image.Image | None:
    """The photo, or None where all doors refuse it for the same reason; anything else is raised."""
    image = outcome(lambda: photo_file.read(content).upright(), photo_file.ImageRefused)
    taken = outcome(lambda: photos.as_taken(content, side), photos.BadImage)
    packed = outcome(lambda: photos.for_training(content, side), photos.BadImage)
    if isinstance(image, photo_file.ImageRefused):
        assert str(taken) == str(packed) == image.reason, "read by packing"
        return None
    assert not isinstance(taken, photos.BadImage), f"read in full, and refused by packing: {taken}"
    assert not isinstance(packed, photos.BadImage), f"read in full, and refused by packing: {packed}"
    assert image.mode == "RGB"
    # What is packed is a photo to those who read the shard, and shows what the endpoint would see.
    assert taken.content == content
    assert photo_file.squashed(packed.content, side).size == (side, side)
    assert packed.content == content or packed.size == (side, side)
    assert max(Image.open(io.BytesIO(photos.thumbnail(packed.content))).size) <= photos.THUMBNAIL
    return image
