"""What happens to photos between epochs: they are moved and lit anew, on the device, a whole batch at once."""

from dataclasses import dataclass
from math import pi

import torch
from torch import Tensor
from torch.nn import functional

DRAWS = 15
"""Random numbers that one photo takes in an epoch."""


@dataclass(frozen=True)
class Augmentation:
    """How far photos are changed; each value is drawn evenly from -x to x, but for the erased part.

    No item is cut away on purpose: half an item has no count.

    Attributes
    ----------
    shift
        As a share of the side.
    scale, aspect, contrast
        Logarithms of factors; `aspect` is that of width by height.
    rotation
        In degrees.
    brightness, channel
        Added to all channels and to each one, in normalised units.
    erased
        Probability that a rectangle, of `erased_area` of the photo, is replaced by the dataset's mean colour.
    """

    shift: float = 0.07
    scale: float = 0.13
    aspect: float = 0.07
    rotation: float = 6.0
    contrast: float = 0.3
    brightness: float = 0.4
    channel: float = 0.1
    erased: float = 0.3
    erased_area: tuple[float, float] = (0.02, 0.12)

    def __call__(self, images: Tensor, draws: Tensor) -> Tensor:
        """Change normalised photos (N, 3, S, S) by random numbers from [0, 1), (N, DRAWS), on the same device."""
        moved = functional.grid_sample(
            images, self._grid(images, draws), mode="bilinear", padding_mode="border", align_corners=False
        )
        return self._erase(self._light(moved, draws), draws)

    def _grid(self, images: Tensor, draws: Tensor) -> Tensor:
        """Where each pixel comes from, (N, S, S, 2)."""
        scale, aspect, angle, x, y = (2 * draws[:, :5] - 1).unbind(1)
        angle = angle * (self.rotation * pi / 180)
        width, height = ((self.scale * scale + sign * self.aspect * aspect / 2).exp() for sign in (1, -1))
        rows = [
            torch.stack([width * angle.cos(), -height * angle.sin(), 2 * self.shift * x], 1),
            torch.stack([width * angle.sin(), height * angle.cos(), 2 * self.shift * y], 1),
        ]
        return functional.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)

    def _light(self, images: Tensor, draws: Tensor) -> Tensor:
        signed = (2 * draws[:, 5:10] - 1)[:, :, None, None]
        contrast = (self.contrast * signed[:, :1]).exp()
        mean = images.mean((1, 2, 3), keepdim=True)
        shift = mean * (1 - contrast) + self.brightness * signed[:, 1:2] + self.channel * signed[:, 2:5]
        return images * contrast + shift

    def _erase(self, images: Tensor, draws: Tensor) -> Tensor:
        chosen, area, aspect, x, y = draws[:, 10:15].unbind(1)
        smallest, largest = self.erased_area
        side = (smallest + (largest - smallest) * area).sqrt()
        # Between twice as wide as high and the reverse.
        width, height = side * 2 ** (aspect - 0.5), side * 2 ** (0.5 - aspect)
        left, top = x * (1 - width), y * (1 - height)
        places = (torch.arange(images.shape[-1], device=images.device) + 0.5) / images.shape[-1]
        inside_x = (places >= left[:, None]) & (places < (left + width)[:, None])
        inside_y = (places >= top[:, None]) & (places < (top + height)[:, None])
        erased = (chosen < self.erased)[:, None, None] & inside_y[:, :, None] & inside_x[:, None, :]
        return images.masked_fill(erased[:, None], 0.0)
