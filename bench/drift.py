"""How often the watch on drift raises an alarm, on real bins: unchanged ones, and ones changed on purpose.

    .venv/bin/python -m bench.drift --source ../shared/abid --json FILE

The reference and the live photos have no group of bins in common. No model counts: its answers are the labels with
noise, which is all that a shifted mix of counts needs; those to changed photos are as if they were unchanged, so that
only the image statistics can tell.
"""

import argparse
import io
import math
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image, ImageEnhance, ImageFilter

import photo_file
from bench.results import add_json_option, write_json
from bench.split_bins import Bin, read_bins, split_bins
from drift.comparison import LEVEL, SMALLEST, compare
from photo_statistics import SIDE, photo_statistics

LABELS = (1, 2, 3, 4, 5)
SHARES = {"reference": 0.07, "live": 0.93}
SPREAD = 0.9
"""Of the noise, items: about 40% are counted right then."""
SHIFTED = {1: 0.04, 2: 0.06, 3: 0.2, 4: 0.35, 5: 0.35}
"""Shares of the counts in a mix that has shifted to full bins."""
CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "darkened to 70%": lambda image: ImageEnhance.Brightness(image).enhance(0.7),
    "blurred, radius 1": lambda image: image.filter(ImageFilter.GaussianBlur(1)),
    "rotated by 90 degrees": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "rotated by 180 degrees": lambda image: image.transpose(Image.Transpose.ROTATE_180),
}

Row = dict[str, float]


def row(content: bytes, count: int, chance: random.Random) -> Row:
    """What the evaluation's reference and a look have of a photo."""
    seen = count + chance.gauss(0, SPREAD)
    weights = [math.exp(-((label - seen) ** 2) / 2) for label in LABELS]
    probabilities = [weight / sum(weights) for weight in weights]
    return photo_statistics(photo_file.read(content, SIDE)) | {
        "count": LABELS[probabilities.index(max(probabilities))],
        "confidence": max(probabilities),
        "expected": sum(label * p for label, p in zip(LABELS, probabilities, strict=True)),
    }


def answers(row: Row) -> Row:
    """What a model has said."""
    return {name: row[name] for name in ("count", "confidence", "expected")}


def changed(content: bytes, change: Callable[[Image.Image], Image.Image]) -> bytes:
    with Image.open(io.BytesIO(content)) as image:
        return photo_file.jpeg(change(image.convert("RGB")), quality=95)


def looks(then: list[Row], draw: Callable[[random.Random], list[Row]], draws: int) -> dict[str, Any]:
    """How many of the draws raised the alarm, and which quantities did."""
    raised, seen = 0, Counter[str]()
    largest: dict[str, float] = {}
    for seed in range(draws):
        found = compare(then, draw(random.Random(seed)))
        names = [one["name"] for one in found if one["drifted"]]
        raised += bool(names)
        seen.update(names)
        for one in found:
            largest[one["name"]] = max(one["distance"], largest.get(one["name"], 0))
    return {"draws": draws, "raised": raised, "by": dict(seen.most_common()), "largestDistance": largest}


def shifted(pool: list[tuple[Bin, Row]], size: int, chance: random.Random) -> list[Row]:
    rows: list[Row] = []
    for count, share in SHIFTED.items():
        of_count = [row for bin_, row in pool if bin_.count == count]
        rows += chance.sample(of_count, min(round(size * share), len(of_count)))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="How often the watch on drift raises an alarm.")
    parser.add_argument("--source", type=Path, required=True, help="bins in the dataset's layout")
    add_json_option(parser)
    parser.add_argument("--pool", type=int, default=1300, help="live bins that draws are made from")
    parser.add_argument("--changed", type=int, default=600, help="of them those that are changed")
    parser.add_argument("--size", type=int, default=500, help="photos of a draw")
    parser.add_argument("--draws", type=int, default=20, help="of unchanged bins; of each change half as many")
    asked = parser.parse_args()
    splits = split_bins(read_bins(asked.source, LABELS), shares=SHARES)
    chance = random.Random(1)
    then = [row(bin_.photo.read_bytes(), bin_.count, chance) for bin_ in splits["reference"]]
    live = random.Random(0).sample(splits["live"], min(asked.pool, len(splits["live"])))
    now = [row(bin_.photo.read_bytes(), bin_.count, chance) for bin_ in live]
    size, half = min(asked.size, len(live)), max(1, asked.draws // 2)
    results = {
        "unchanged": looks(then, lambda chance: chance.sample(now, size), asked.draws),
        "shifted to full bins": looks(
            then, lambda chance: shifted(list(zip(live, now, strict=True)), size, chance), half
        ),
    }
    for name, change in CHANGES.items():
        rows = [
            photo_statistics(photo_file.read(changed(bin_.photo.read_bytes(), change), SIDE)) | answers(as_it_was)
            for bin_, as_it_was in zip(live[: asked.changed], now, strict=False)
        ]
        results[name] = looks(then, lambda chance, rows=rows: chance.sample(rows, min(size, len(rows))), half)  # type: ignore[misc]
    right = sum(found["count"] == bin_.count for bin_, found in zip(live, now, strict=True)) / len(live)
    for name, found in results.items():
        by = ", ".join(f"{quantity} {times}" for quantity, times in found["by"].items())
        print(f"{name:<24} {found['raised']:>2} of {found['draws']} draws raised it{': ' if by else ''}{by}")
    print(f"{len(then)} reference bins, draws of {size} from {len(live)}; {right:.1%} counted right")
    write_json(
        asked.json,
        {"reference": len(then), "pool": len(live), "size": size, "level": LEVEL, "smallest": SMALLEST}
        | {"accuracy": right, "results": results},
    )


if __name__ == "__main__":
    main()
