"""What can be said of a photo without a model: of the test photos at evaluation, of live ones afterwards."""

from typing import TYPE_CHECKING

from PIL import Image, ImageFilter, ImageStat

if TYPE_CHECKING:
    from photo_file import Photo

SIDE = 224
"""Pixels: what is seen in a photo is measured on a square of one size, so that cameras of different sizes compare."""

# Grey values end at 0 and 255: half the scale is "no difference".
_NONE = 128
_LAPLACIAN = ImageFilter.Kernel((3, 3), (0, 1, 0, 1, -4, 1, 0, 1, 0), scale=1, offset=_NONE)
_ACROSS = ImageFilter.Kernel((3, 3), (0, 0, 0, -1, 0, 1, 0, 0, 0), scale=1, offset=_NONE)
_DOWN = ImageFilter.Kernel((3, 3), (0, -1, 0, 0, 0, 0, 0, 1, 0), scale=1, offset=_NONE)
_ON_ITS_SIDE = {getattr(Image.Transpose, name) for name in ("ROTATE_90", "ROTATE_270", "TRANSPOSE", "TRANSVERSE")}


def photo_statistics(photo: "Photo") -> dict[str, float]:
    """Statistics of an upright photo.

    - brightness, contrast: mean and standard deviation of the grey values, 0 to 255
    - sharpness: variance of the Laplacian; a blurred photo has little
    - direction: energy of the differences from left to right less that from top to bottom, as a share of both,
      -1 to 1; it changes its sign when a camera is turned by 90 degrees
    - lightFromAbove: brightness of the upper half less that of the lower
    - pixels, aspect: width times height of the file, and width by height
    """
    grey = photo.squashed(SIDE).convert("L")
    upper, lower = (grey.crop((0, top, SIDE, top + SIDE // 2)) for top in (0, SIDE // 2))
    shown = ImageStat.Stat(grey)
    across, down = _energy(grey, _ACROSS), _energy(grey, _DOWN)
    width, height = photo.size[::-1] if photo.turn in _ON_ITS_SIDE else photo.size
    return {
        "brightness": shown.mean[0],
        "contrast": shown.stddev[0],
        "sharpness": _energy(grey, _LAPLACIAN),
        "direction": (across - down) / (across + down) if across + down else 0.0,
        "lightFromAbove": ImageStat.Stat(upper).mean[0] - ImageStat.Stat(lower).mean[0],
        "pixels": float(width * height),
        "aspect": width / height,
    }


def _energy(grey: Image.Image, kernel: ImageFilter.Kernel) -> float:
    """Mean square of what the kernel makes of each pixel that has all its neighbours."""
    seen = ImageStat.Stat(grey.filter(kernel).crop((1, 1, SIDE - 1, SIDE - 1)))
    return seen.var[0] + (seen.mean[0] - _NONE) ** 2
