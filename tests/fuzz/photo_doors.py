"""A photo at both of its doors: the endpoint's and training's full reading, and packing's reduced one."""

import io

from PIL import Image

from bins import photos
from photo_file import ImageRefused, decode
from tests.fuzz.examples import outcome


def upright_photo(content: bytes, short_side: int) -> Image.Image | None:
    """The photo, or None where both doors refuse it for the same reason; anything else is raised."""
    image = outcome(lambda: decode(content), ImageRefused)
    packed = outcome(lambda: photos.reduce(content, short_side), photos.BadImage)
    if isinstance(image, ImageRefused) or isinstance(packed, photos.BadImage):
        assert isinstance(image, ImageRefused), f"read in full, and refused by packing: {packed}"
        assert str(packed) == image.reason, "refused by the endpoint"
        return None
    assert image.mode == "RGB"
    # What is packed is a photo to those who read the shard, and turned as the whole one is.
    shown = decode(packed.content)
    assert shown.size == packed.size
    if (image.width > image.height) is not (image.width < image.height) and min(packed.size) < min(image.size):
        assert (packed.size[0] >= packed.size[1]) is (image.width >= image.height)
    assert max(Image.open(io.BytesIO(photos.thumbnail(packed.content))).size) <= photos.THUMBNAIL
    return image
