"""The front side of a product as a picture with transparency."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from rehearsal.bins.products import Colour, Kind, Product


def front(product: Product, width: int, height: int) -> Image.Image:
    """Draw the product's front side, RGBA, `width` x `height` pixels."""
    rng = random.Random(product.asin)
    return PAINTERS[product.kind](product, width, height, rng)


def _carton(product: Product, width: int, height: int, rng: random.Random) -> Image.Image:
    image = Image.new("RGB", (width, height), product.colours[0])
    draw = ImageDraw.Draw(image)
    tape = width * rng.uniform(0.4, 0.6)
    draw.rectangle((tape - 2, 0, tape + 2, height), fill=_shade(product.colours[0], 0.86))
    _shipping_label(draw, width, height, rng)
    return _boxed(image, edge=0.6)


def _retail_box(product: Product, width: int, height: int, rng: random.Random) -> Image.Image:
    image = Image.new("RGB", (width, height), product.colours[0])
    draw = ImageDraw.Draw(image)
    top = height * rng.uniform(0.15, 0.5)
    draw.rectangle((0, top, width, top + height * rng.uniform(0.2, 0.4)), fill=product.colours[1])
    x, y, radius = width * rng.uniform(0.3, 0.7), height * rng.uniform(0.3, 0.75), width * rng.uniform(0.15, 0.3)
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=rng.choice([(240, 238, 230), (44, 42, 46)]))
    _lettering(draw, product, width, 0.04 * height, 0.16 * height)
    return _boxed(image, edge=0.7)


def _book(product: Product, width: int, height: int, rng: random.Random) -> Image.Image:
    image = Image.new("RGB", (width, height), product.colours[0])
    draw = ImageDraw.Draw(image)
    band = rng.uniform(0.05, 0.2)
    draw.rectangle((0, height * band, width, height * (band + 0.05)), fill=product.colours[1])
    draw.rectangle((0, height * 0.9, width, height * 0.93), fill=product.colours[1])
    title = Image.new("L", (int(height * 0.6), max(8, width // 2)), 0)
    font = ImageFont.load_default(max(8, int(width * 0.38)))
    ImageDraw.Draw(title).text((0, 0), product.name, fill=230, font=font)
    title = title.rotate(-90, expand=True)
    image.paste(_contrast(product.colours[0]), (int(width * 0.25), int(height * 0.27)), title)
    return _boxed(image, edge=0.55)


def _bottle(product: Product, width: int, height: int, rng: random.Random) -> Image.Image:
    shape = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(shape)
    shoulder, neck = int(height * rng.uniform(0.2, 0.3)), width * rng.uniform(0.2, 0.3)
    draw.rounded_rectangle((0, shoulder, width - 1, height - 1), radius=width // 5, fill=255)
    draw.polygon(
        [(0, shoulder + 8), (neck, shoulder - 6), (width - neck, shoulder - 6), (width, shoulder + 8)], fill=255
    )
    draw.rectangle((neck, 0, width - neck, shoulder), fill=255)
    image = Image.new("RGB", (width, height), product.colours[0])
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width, shoulder * 0.7), fill=product.colours[1])
    draw.rectangle((0, height * 0.45, width, height * 0.8), fill=(236, 232, 222))
    _lettering(draw, product, width, height * 0.5, height * 0.14)
    return _rounded(image, shape)


def _can(product: Product, width: int, height: int, rng: random.Random) -> Image.Image:
    shape = Image.new("L", (width, height), 0)
    ImageDraw.Draw(shape).rounded_rectangle((0, 0, width - 1, height - 1), radius=width // 7, fill=255)
    image = Image.new("RGB", (width, height), product.colours[0])
    draw = ImageDraw.Draw(image)
    rim = height // 14 + 1
    draw.rectangle((0, 0, width, rim), fill=(196, 196, 192))
    draw.rectangle((0, height - rim, width, height), fill=(176, 176, 172))
    draw.rectangle((0, height * 0.62, width, height * 0.85), fill=product.colours[1])
    _lettering(draw, product, width, height * 0.25, height * 0.2)
    return _rounded(image, shape)


def _bag(product: Product, width: int, height: int, rng: random.Random) -> Image.Image:
    corners = [
        (0.02, 0.1),
        (0.3, 0.0),
        (0.72, 0.04),
        (0.98, 0.12),
        (1.0, 0.6),
        (0.94, 0.98),
        (0.5, 1.0),
        (0.06, 0.97),
        (0.0, 0.5),
    ]
    outline = [((x + rng.uniform(-0.05, 0.05)) * width, (y + rng.uniform(-0.04, 0.04)) * height) for x, y in corners]
    shape = Image.new("L", (width, height), 0)
    ImageDraw.Draw(shape).polygon(outline, fill=255)
    image = Image.new("RGB", (width, height), product.colours[0])
    draw = ImageDraw.Draw(image)
    for _ in range(9):  # creases of the film
        crease = [(rng.uniform(0, width), rng.uniform(0, height)) for _ in range(3)]
        draw.line(crease, fill=_shade(product.colours[0], rng.choice([0.72, 0.84, 1.25])), width=rng.randint(2, 6))
    image = image.filter(ImageFilter.GaussianBlur(2.2))
    _shipping_label(ImageDraw.Draw(image), width, height, rng)
    image.putalpha(shape.filter(ImageFilter.GaussianBlur(1)))
    return image


PAINTERS: dict[Kind, Callable[[Product, int, int, random.Random], Image.Image]] = {
    "carton": _carton,
    "book": _book,
    "retail box": _retail_box,
    "bottle": _bottle,
    "can": _can,
    "bag": _bag,
}


def _boxed(image: Image.Image, edge: float) -> Image.Image:
    """Give a flat front the light of a box: lighter above, and a side face in shade along its right edge."""
    width, height = image.size
    light = np.linspace(1.08, 0.84, height)[:, None] * np.ones(width)
    light[:, int(width * 0.9) :] *= edge
    light[:2] *= 1.2
    light[:, :1] *= 0.7
    return _lit(image, light, Image.new("L", image.size, 255))


def _rounded(image: Image.Image, shape: Image.Image) -> Image.Image:
    """Give a flat front the light of a cylinder: a highlight left of the middle, dark at both sides."""
    x = np.linspace(-1, 1, image.width)
    light = 0.5 + 0.55 * np.sqrt(np.clip(1 - x**2, 0, 1)) + 0.35 * np.exp(-(((x + 0.35) / 0.12) ** 2))
    return _lit(image, np.ones(image.height)[:, None] * light, shape)


def _lit(image: Image.Image, light: np.ndarray, shape: Image.Image) -> Image.Image:
    pixels = np.clip(np.asarray(image, dtype=np.float32) * light[..., None], 0, 255).astype(np.uint8)
    lit = Image.fromarray(pixels)
    lit.putalpha(ImageChops.multiply(shape, Image.new("L", image.size, 255)))
    return lit


def _lettering(draw: ImageDraw.ImageDraw, product: Product, width: int, top: float, size: float) -> None:
    font = ImageFont.load_default(max(7, min(size, width * 0.2)))
    draw.text((width * 0.08, top), product.name.split()[0], fill=_contrast(product.colours[0]), font=font)


def _shipping_label(draw: ImageDraw.ImageDraw, width: int, height: int, rng: random.Random) -> None:
    x, y = width * rng.uniform(0.1, 0.4), height * rng.uniform(0.2, 0.65)
    right, bottom = x + width * 0.38, y + height * 0.16
    draw.rectangle((x, y, right, bottom), fill=(232, 230, 224))
    bar = x + 3
    while bar < right - 3:
        draw.line((bar, y + 3, bar, bottom - 3), fill=(50, 48, 46), width=rng.choice([1, 1, 2]))
        bar += rng.choice([2, 3, 4])


def _shade(colour: Colour, factor: float) -> Colour:
    red, green, blue = (min(255, int(channel * factor)) for channel in colour)
    return red, green, blue


def _contrast(colour: Colour) -> Colour:
    return (30, 28, 30) if sum(colour) > 380 else (236, 232, 222)
