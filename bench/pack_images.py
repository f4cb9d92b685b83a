"""How many images a second one core packs, against the straightforward way, and what the difference costs in quality.

    .venv/bin/python -m bench.pack_images ../shared/abid-originals/bin-images [--side 224] [--json FILE]

Straightforward: decode in full, squash to a square, save at quality 90, all by Pillow; once for each filter that people
take, its default (bicubic) among them. CPU time of one core, taken in turns, the best of some rounds. Quality is the
peak signal-to-noise ratio (PSNR) against a full decode and a Lanczos reduction that is not saved as JPEG: 35 dB and
more is called visually lossless. `ratio` is of images a second: ours by those with Pillow's default filter.
"""

import argparse
import io
import math
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops, ImageOps

import photo_file
from bench.results import add_json_option, write_json
from bins import photos

LOSSLESS = 35.0
"""dB from which a difference is called invisible."""
OURS, DEFAULT, BILINEAR = "stocktake", "Pillow, bicubic", "Pillow, bilinear"


def straightforward(content: bytes, side: int, filter_: Image.Resampling) -> bytes:
    file = io.BytesIO()
    careful(content, side, filter_).save(file, "JPEG", quality=photos.QUALITY)
    return file.getvalue()


def careful(content: bytes, side: int, filter_: Image.Resampling = Image.Resampling.LANCZOS) -> Image.Image:
    return ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB").resize((side, side), filter_)


def seconds(functions: dict[str, Callable[[bytes], bytes]], originals: list[bytes], rounds: int) -> dict[str, float]:
    """CPU seconds of each function for all photos, the best of some rounds, taken in turns."""
    best = dict.fromkeys(functions, math.inf)
    for _ in range(rounds):
        for name, function in functions.items():
            started = time.process_time()
            for photo in originals:
                function(photo)
            best[name] = min(best[name], time.process_time() - started)
    return best


def decibels(one: Image.Image, other: Image.Image) -> float:
    """Peak signal-to-noise ratio of two images of the same size."""
    histogram = ImageChops.difference(one, other).histogram()
    squares = sum((level % 256) ** 2 * number for level, number in enumerate(histogram))
    return 10 * math.log10(255**2 * sum(histogram) / squares)


def main() -> None:
    parser = argparse.ArgumentParser(description="Images a second and core.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--rounds", type=int, default=7)
    add_json_option(parser)
    asked = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    originals = [path.read_bytes() for path in sorted(asked.folder.glob("*.jpg"))]
    large = [photo for photo in originals if min(Image.open(io.BytesIO(photo)).size) > asked.side]
    side = asked.side
    functions: dict[str, Callable[[bytes], bytes]] = {
        OURS: lambda photo: photos.for_training(photo, side).content,
        "Pillow, Lanczos": lambda photo: straightforward(photo, side, Image.Resampling.LANCZOS),
        DEFAULT: lambda photo: straightforward(photo, side, Image.Resampling.BICUBIC),
        "Pillow, Hamming": lambda photo: straightforward(photo, side, Image.Resampling.HAMMING),
        BILINEAR: lambda photo: straightforward(photo, side, Image.Resampling.BILINEAR),
    }
    taken = seconds(functions, large, asked.rounds)
    ways: dict[str, dict[str, Any]] = {}
    print(f"{len(large)} of {len(originals)} images are larger than {side} pixels on the short side\n")
    print(f"{'':<20}{'images/s':>9}{'ratio':>7}{'median dB':>11}{'worst dB':>10}{'kB':>6}")
    for name, function in functions.items():
        results = [function(photo) for photo in large]
        loss = [
            decibels(photo_file.squashed(result, side), careful(photo, side))
            for photo, result in zip(large, results, strict=True)
        ]
        way = ways[name] = {
            "imagesPerSecond": len(large) / taken[name],
            "ratio": taken[name] / taken[OURS],
            "medianDecibels": statistics.median(loss),
            "worstDecibels": min(loss),
            "meanBytes": statistics.mean(map(len, results)),
        }
        print(
            f"{name:<20}{way['imagesPerSecond']:>9.0f}{way['ratio']:>7.2f}"
            f"{way['medianDecibels']:>11.1f}{way['worstDecibels']:>10.1f}{way['meanBytes'] / 1000:>6.1f}"
        )
    ours, default, bilinear = ways[OURS], ways[DEFAULT], ways[BILINEAR]
    verdict = "no image" if ours["worstDecibels"] >= LOSSLESS else "some images"
    print(
        f"\n{default['ratio']:.1f} times as fast as with Pillow's default filter; {verdict} below {LOSSLESS:.0f} dB:"
        f" {ours['worstDecibels']:.1f} at worst, {default['worstDecibels']:.1f} with that filter.\n"
        f"Against bilinear {bilinear['ratio']:.1f} times; its worst is {bilinear['worstDecibels']:.1f} dB."
    )
    write_json(asked.json, {"images": len(large), "side": side, "ratio": default["ratio"], "ways": ways})


if __name__ == "__main__":
    main()
