"""A photo of a bin as the camera over the pod takes it: yellow fabric, items, elastic strands, dim light."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from rehearsal.bins.artwork import front
from rehearsal.bins.products import Colour, product

BIN_WIDTH_INCHES = 13.5
FABRIC: Colour = (228, 206, 128)
LABEL_COLOURS: tuple[Colour, ...] = ((150, 176, 205), (60, 50, 92), (190, 90, 96), (226, 176, 96), (44, 60, 96))


@dataclass(frozen=True)
class Item:
    """One item in a bin: where its middle is across the bin (0..1), how deep it stands (0 front..1 back), its tilt."""

    asin: str
    across: float
    depth: float
    tilt: float

    @property
    def span(self) -> tuple[float, float]:
        """The part of the bin's width that the item covers, both as 0..1."""
        half = product(self.asin).width / BIN_WIDTH_INCHES / 2
        return self.across - half, self.across + half


@dataclass(frozen=True)
class Camera:
    """What stays the same between two photos of one bin: frame in pixels, light, pod label, strands."""

    width: int
    height: int
    gain: float
    warmth: float
    label: str
    label_colour: Colour
    bands: tuple[tuple[float, float], ...]
    bulge: float


def camera(rng: random.Random) -> Camera:
    width = rng.randint(320, 430)
    return Camera(
        width=width,
        height=max(240, int(width * rng.uniform(0.6, 0.88))),
        gain=rng.uniform(0.75, 1.1),
        warmth=rng.uniform(0.72, 0.9),
        label=f"{rng.randint(1, 4)}{rng.choice('ABCDEFGHI')}",
        label_colour=rng.choice(LABEL_COLOURS),
        bands=tuple((start + rng.uniform(0, 0.08), rng.uniform(0.12, 0.24)) for start in (0.1, 0.36, 0.62)),
        bulge=rng.uniform(0.01, 0.05),
    )


def photo(items: tuple[Item, ...], view: Camera, rng: random.Random) -> Image.Image:
    """Photograph a bin: RGB, the camera's frame; `rng` gives what differs from shot to shot (focus, noise)."""
    image = _empty_bin(view)
    for item in sorted(items, key=lambda item: -item.depth):
        _place(image, item, view)
    _strands(image, view, rng)
    _lips(image, view)
    return _exposed(image, view, rng)


def _empty_bin(view: Camera) -> Image.Image:
    across = np.abs(np.linspace(-1, 1, view.width, dtype=np.float32))[None, :]
    down = np.linspace(0, 1, view.height, dtype=np.float32)[:, None]
    light = 0.72 - 0.16 * across**3 - 0.18 * (1 - down) ** 2
    wall = np.array([150, 130, 96], np.float32)
    pixels = wall * light[..., None]
    pixels[:, across[0] > 0.96] = np.array(FABRIC) * 0.8
    floor = int(view.height * 0.84)
    pixels[floor:] *= 0.62
    return Image.fromarray(pixels.astype(np.uint8))


def _place(image: Image.Image, item: Item, view: Camera) -> None:
    """Stand an item on the floor; those at the back are smaller, higher and darker, and all cast a soft shadow."""
    article = product(item.asin)
    scale = view.width / BIN_WIDTH_INCHES * (1 - 0.18 * item.depth)
    tallest = view.height * 0.74
    width, height = int(article.width * scale), int(min(article.height * scale, tallest))
    sprite = front(article, width, height)
    dim = 1 - 0.32 * item.depth
    red, green, blue, alpha = sprite.split()
    sprite = Image.merge("RGBA", [band.point(lambda value: int(value * dim)) for band in (red, green, blue)] + [alpha])
    sprite = sprite.rotate(item.tilt, Image.Resampling.BICUBIC, expand=True)
    left = int(item.across * view.width - sprite.width / 2)
    top = int(view.height * (0.86 - 0.1 * item.depth)) - sprite.height
    shadow = sprite.getchannel("A").filter(ImageFilter.BoxBlur(5)).point(lambda value: int(value * 0.55))
    image.paste((22, 18, 14), (left + 5, top + 2), shadow)
    image.paste(sprite, (left, top), sprite)


def _strands(image: Image.Image, view: Camera, rng: random.Random) -> None:
    """Stretch the elastic strands that hold the items, in bands across the whole opening."""
    overlay = Image.new("L", image.size, 0)
    draw = ImageDraw.Draw(overlay)
    sag = view.height * view.bulge
    for start, depth in view.bands:
        y = start * view.height
        while y < (start + depth) * view.height:
            middle = y + sag * (0.5 - start) * 2 + rng.uniform(-1, 1)
            strand = [(0, y), (view.width * 0.3, middle), (view.width * 0.7, middle), (view.width, y)]
            draw.line(strand, fill=rng.randint(80, 190), width=rng.choice([1, 1, 2]))
            y += rng.uniform(3.0, 5.5)
    image.paste((186, 176, 158), (0, 0), overlay)


def _lips(image: Image.Image, view: Camera) -> None:
    """Sew the fabric's upper and lower edge over the picture, with the bin's label on the lower one."""
    draw = ImageDraw.Draw(image)
    lower, sag = view.height * 0.87, view.height * view.bulge
    edge = [(x * view.width / 8, lower + sag * (1 - (x / 4 - 1) ** 2)) for x in range(9)]
    draw.polygon([*edge, (view.width, view.height), (0, view.height)], fill=FABRIC)
    draw.line(edge, fill=(232, 214, 150), width=2)
    draw.rectangle((0, 0, view.width, view.height * 0.06), fill=FABRIC)
    draw.line((0, view.height * 0.06, view.width, view.height * 0.06), fill=(170, 148, 84), width=2)
    _label(draw, view, top=view.height * 0.91)
    _label(draw, view, top=view.height * -0.03)


def _label(draw: ImageDraw.ImageDraw, view: Camera, top: float) -> None:
    left, height = view.width * 0.38, view.height * 0.085
    draw.rectangle((left, top, left + view.width * 0.26, top + height), fill=view.label_colour)
    draw.rectangle((left + 4, top + 3, left + view.width * 0.13, top + height - 3), fill=(236, 234, 226))
    font = ImageFont.load_default(height * 0.75)
    ink: Colour = (30, 30, 36)
    draw.text((left + 8, top + height * 0.08), view.label, fill=ink, font=font)
    arrow = left + view.width * 0.11
    draw.line((arrow, top + height * 0.3, arrow, top + height * 0.75), fill=ink, width=2)
    draw.polygon(
        [(arrow - 4, top + height * 0.42), (arrow, top + height * 0.2), (arrow + 4, top + height * 0.42)], fill=ink
    )
    cell, pattern = height / 10, random.Random(view.label)
    for row in range(8):
        for column in range(8):
            x, y = left + view.width * 0.17 + column * cell, top + (row + 1) * cell
            dark = column == 0 or row == 7 or pattern.random() < 0.5
            draw.rectangle((x, y, x + cell, y + cell), fill=ink if dark else (230, 228, 220))


def _exposed(image: Image.Image, view: Camera, rng: random.Random) -> Image.Image:
    """What the camera does: defocus or shake, dim warm light, vignette, sensor noise."""
    blur = rng.choices([0.5, 1.0, 1.8, 3.2], [5, 5, 3, 1])[0]
    image = image.filter(ImageFilter.GaussianBlur(blur * rng.uniform(0.7, 1.2)))
    x = np.linspace(-1, 1, view.width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, view.height, dtype=np.float32)[:, None]
    vignette = 1 - 0.28 * (x**2 + y**2) / 2
    light = vignette[..., None] * np.array([1.0, 0.95, view.warmth], np.float32) * view.gain
    sensor = np.random.default_rng(rng.getrandbits(64))
    noise = sensor.standard_normal((view.height, view.width, 1), np.float32) * np.float32(rng.uniform(2, 6))
    haze = 26 * view.gain  # the strands in front of the lens scatter light
    pixels = np.asarray(image, np.float32) * (0.86 * light) + noise + haze
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
