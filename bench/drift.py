"""How often the watch on drift raises an alarm, on real bins: unchanged ones, and ones changed on purpose.

    .venv/bin/python -m bench.drift --source ../shared/abid --json FILE [--model FOLDER --learned splits.json]

The reference and the live photos have no group of bins in common. Without a model its answers are the labels with
noise, which is all that a shifted mix of counts needs; those to changed photos are as if they were unchanged, so that
only the image statistics can tell. A model counts bins that it was not made from, changed photos as they are.
"""

import argparse
import io
import json
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
FEWER = {"reference": 0.35, "live": 0.65}
"""Of the bins that a model was not made from."""
SPREAD = 0.9
"""Of the noise, items: about 40% are counted right then."""
SHIFTED = {1: 0.04, 2: 0.06, 3: 0.2, 4: 0.35, 5: 0.35}
"""Shares of the counts in a mix that has shifted to full bins."""
Change = Callable[[Image.Image], Image.Image]
CHANGES: dict[str, Change] = {
    "darkened to 70%": lambda image: ImageEnhance.Brightness(image).enhance(0.7),
    "blurred, radius 1": lambda image: image.filter(ImageFilter.GaussianBlur(1)),
    "rotated by 90 degrees": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "rotated by 180 degrees": lambda image: image.transpose(Image.Transpose.ROTATE_180),
}

Row = dict[str, float]
Answer = Callable[[Bin, bytes], list[float]]
"""The probabilities of a bin's counts, from its photo."""


def row(content: bytes, probabilities: list[float]) -> Row:
    """What the evaluation's reference and a look have of a photo."""
    return photo_statistics(photo_file.read(content, SIDE)) | {
        "count": LABELS[probabilities.index(max(probabilities))],
        "confidence": max(probabilities),
        "expected": sum(label * p for label, p in zip(LABELS, probabilities, strict=True)),
    }


def by_noise(bin_: Bin, _: bytes) -> list[float]:
    """The same for a bin however its photo is changed."""
    seen = bin_.count + random.Random(bin_.id).gauss(0, SPREAD)
    weights = [math.exp(-((label - seen) ** 2) / 2) for label in LABELS]
    return [weight / sum(weights) for weight in weights]


def by_model(folder: Path) -> Answer:
    """As the endpoint with the folder's model.tar.gz would answer."""
    from evaluate import load_model
    from inference import pixels_of

    model = load_model(folder)

    def answer(_: Bin, content: bytes) -> list[float]:
        probabilities: list[float] = model.probabilities(pixels_of(content, model)[None])[0].tolist()
        return probabilities

    return answer


def changed(content: bytes, change: Change) -> bytes:
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


def unseen(bins: list[Bin], learned: Path | None) -> list[Bin]:
    """Without the groups that a model was made from."""
    seen = {group for groups in json.loads(learned.read_text()).values() for group in groups} if learned else set()
    return [bin_ for bin_ in bins if bin_.group not in seen]


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
    parser.add_argument("--model", type=Path, help="folder with model.tar.gz that answers instead of the labels")
    parser.add_argument("--learned", type=Path, help="splits.json of its dataset: the bins that it was made from")
    parser.add_argument("--pool", type=int, default=1300, help="live bins that draws are made from")
    parser.add_argument("--changed", type=int, default=600, help="of them those that are changed")
    parser.add_argument("--size", type=int, default=500, help="photos of a draw")
    parser.add_argument("--draws", type=int, default=20, help="of unchanged bins; of each change half as many")
    asked = parser.parse_args()
    answer = by_model(asked.model) if asked.model else by_noise
    bins = unseen(read_bins(asked.source, LABELS), asked.learned)
    # By another lot than a dataset's, whose test split would all be on one side.
    splits = split_bins(bins, seed=1, shares=FEWER) if asked.learned else split_bins(bins, shares=SHARES)

    def rows_of(bins: list[Bin], change: Change | None = None) -> list[Row]:
        contents = (changed(bin_.photo.read_bytes(), change) if change else bin_.photo.read_bytes() for bin_ in bins)
        return [row(content, answer(bin_, content)) for bin_, content in zip(bins, contents, strict=True)]

    then = rows_of(splits["reference"])
    live = random.Random(0).sample(splits["live"], min(asked.pool, len(splits["live"])))
    now = rows_of(live)
    size, half = min(asked.size, len(live)), max(1, asked.draws // 2)
    results = {
        "unchanged": looks(then, lambda chance: chance.sample(now, size), asked.draws),
        "shifted to full bins": looks(
            then, lambda chance: shifted(list(zip(live, now, strict=True)), size, chance), half
        ),
    }
    for name, change in CHANGES.items():
        rows = rows_of(live[: asked.changed], change)
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
