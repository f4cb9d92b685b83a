"""From an image file to the network's input: one definition for training, evaluation and serving."""

import io
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

MINIMUM_SIDE = 16
MAXIMUM_PIXELS = 50_000_000

# Pillow would warn at a limit of its own, and that cannot be silenced in one thread alone; the limit here is stricter.
Image.MAX_IMAGE_PIXELS = None


class ImageRefused(ValueError):
    """The bytes are no image that can be counted; the message says why."""


class ImageTooLarge(ImageRefused):
    """The header announces more pixels than are worth decoding (a decompression bomb)."""


class ImageTooSmall(ImageRefused):
    """There is nothing to see in so few pixels."""


@dataclass(frozen=True)
class Preprocessing:
    """Squash the whole bin to a square (a crop would cut items away) and normalise as ImageNet models expect.

    Stored with the model, so that serving cannot differ from training.
    """

    image_size: int
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)

    def pixels(self, image: Image.Image, mirrored: bool = False) -> Tensor:
        """Resize an RGB image, and flip it left to right if wanted: uint8, (3, image_size, image_size).

        In memory the channels of a pixel lie together, as images are decoded and as networks compute fastest.
        """
        square = (self.image_size, self.image_size)
        if image.size != square:
            # Pillow's resize antialiases when it shrinks.
            image = image.resize(square, Image.Resampling.BILINEAR)
        if mirrored:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return torch.from_numpy(np.array(image)).permute(2, 0, 1)

    def normalise(self, pixels: Tensor) -> Tensor:
        """Map uint8 pixels (N, 3, S, S) to the network's float32 input of the same shape, channels last."""
        images, channels, height, width = pixels.shape
        # In place and along whole rows: pixel by pixel, over three channels each, would take twice as long.
        rows = pixels.permute(0, 2, 3, 1).reshape(images, height, width * channels)
        mean = torch.tensor(self.mean, device=pixels.device).repeat(width)
        std = torch.tensor(self.std, device=pixels.device).repeat(width)
        normalised = rows.float().div_(255).sub_(mean).div_(std)
        return normalised.view(images, height, width, channels).permute(0, 3, 1, 2)


def decode(data: bytes) -> Image.Image:
    """Decode a JPEG or PNG of any colour mode to an upright RGB image.

    Transparent parts become white; 16-bit greys keep their upper 8 bits; the EXIF orientation is applied, as
    phones store it instead of turning the picture.

    Raises
    ------
    ImageTooLarge, ImageTooSmall
        By the header alone, before any pixel is decoded.
    ImageRefused
        For anything that is not a whole JPEG or PNG.
    """
    try:
        image = Image.open(io.BytesIO(data), formats=("JPEG", "PNG"))
        _check_size(*image.size)
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        return _to_rgb(image)
    except Image.UnidentifiedImageError:
        raise ImageRefused("The data is not a JPEG or PNG image.") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        if isinstance(error, ImageRefused):
            raise
        # Pillow reports a broken PNG as SyntaxError and a truncated file as OSError.
        raise ImageRefused(f"The image is damaged or incomplete: {error}.") from error


def _check_size(width: int, height: int) -> None:
    if width * height > MAXIMUM_PIXELS:
        raise ImageTooLarge(
            f"The image has too many pixels: {width} x {height}, at most {MAXIMUM_PIXELS:,} in all are accepted. "
            "Resize it first."
        )
    if min(width, height) < MINIMUM_SIDE:
        raise ImageTooSmall(f"The image has {width} x {height} pixels; both sides must have at least {MINIMUM_SIDE}.")


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        # convert() would clip 16-bit greys at 255, which turns nearly every picture white.
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")
