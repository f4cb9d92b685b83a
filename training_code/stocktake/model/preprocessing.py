"""From a photo to the network's input: one definition for training, evaluation and serving."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from photo_file import squashed


@dataclass(frozen=True)
class Preprocessing:
    """Squash the whole bin to a square and normalise as ImageNet models expect.

    Stored with the model, so that serving cannot differ from training.
    """

    image_size: int
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)

    def pixels(self, photo: bytes) -> Tensor:
        """Read a JPEG or PNG: uint8, (3, image_size, image_size).

        In memory the channels of a pixel lie together, as images are decoded and as networks compute fastest.

        Raises
        ------
        ImageRefused
            When it is none that can be used.
        """
        return torch.from_numpy(np.array(squashed(photo, self.image_size))).permute(2, 0, 1)

    def normalise(self, pixels: Tensor) -> Tensor:
        """Map uint8 pixels (N, 3, S, S) to the network's float32 input of the same shape, channels last."""
        images, channels, height, width = pixels.shape
        # In place and along whole rows: pixel by pixel, over three channels each, would take twice as long.
        rows = pixels.permute(0, 2, 3, 1).reshape(images, height, width * channels)
        mean, std = (_along_a_row(values, width, pixels.device) for values in (self.mean, self.std))
        normalised = rows.float().div_(255).sub_(mean).div_(std)
        return normalised.view(images, height, width, channels).permute(0, 3, 1, 2)


@cache
@torch.inference_mode(False)
def _along_a_row(values: tuple[float, ...], width: int, device: torch.device) -> Tensor:
    """A value for each channel, again for each pixel of a row. Made once a device, as a GPU's copy is waited for."""
    return torch.tensor(values, device=device).repeat(width)
