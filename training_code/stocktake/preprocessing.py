"""From an image file to the network's input: one definition for training, evaluation and serving."""

import io
import warnings
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

MINIMUM_SIDE = 16
MAXIMUM_PIXELS = 50_000_000


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

    def pixels(self, image: Image.Image) -> Tensor:
        """Resize an RGB image: uint8, (3, image_size, image_size)."""
        # Pillow's resize antialiases when it shrinks.
        square = image.resize((self.image_size, self.image_size), Image.Resampling.BILINEAR)
        return torch.from_numpy(np.array(square)).permute(2, 0, 1)

    def normalise(self, pixels: Tensor) -> Tensor:
        """Map uint8 pixels (N, 3, S, S) to the network's float32 input of the same shape, channels last."""
        mean = torch.tensor(self.mean, device=pixels.device).view(3, 1, 1)
        std = torch.tensor(self.std, device=pixels.device).view(3, 1, 1)
        return pixels.float().div(255).sub(mean).div(std).contiguous(memory_format=torch.channels_last)


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
        with warnings.catch_warnings():
            # Pillow warns of large images at a limit of its own; the limit here is stricter.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=("JPEG", "PNG"))
        _check_size(*image.size)
        image.load()
        return _to_rgb(ImageOps.exif_transpose(image))
    except Image.DecompressionBombError:
        raise ImageTooLarge(_too_large("its header announces too many")) from None
    except Image.UnidentifiedImageError:
        raise ImageRefused("The data is not a JPEG or PNG image.") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        if isinstance(error, ImageRefused):
            raise
        # Pillow reports a broken PNG as SyntaxError and a truncated file as OSError.
        raise ImageRefused(f"The image is damaged or incomplete: {error}.") from error


def _check_size(width: int, height: int) -> None:
    if width * height > MAXIMUM_PIXELS:
        raise ImageTooLarge(_too_large(f"it has {width} x {height}"))
    if min(width, height) < MINIMUM_SIDE:
        raise ImageTooSmall(f"The image has {width} x {height} pixels; both sides must have at least {MINIMUM_SIDE}.")


def _too_large(found: str) -> str:
    return f"The image has too many pixels: {found}, at most {MAXIMUM_PIXELS:,} in all are accepted. Resize it first."


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        # convert() would clip 16-bit greys at 255, which turns nearly every picture white.
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")
