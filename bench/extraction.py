"""What compiling the frozen trunk brings: the same batches of photos through it compiled and as it is.

    .venv/bin/python -m bench.extraction --source ../shared/abid --json F [--architecture A --weights FILE --rounds N]

In bfloat16 on this machine's CPU, batches of 64 in turns, decoding left out. The values have to be the same, bit for
bit. The figures' `ratio` is the median over the rounds of the seconds of a batch, as it is by compiled; `photos` is how
many training photos, each seen twice, it takes to earn the seconds of compiling back.
"""

import argparse
import math
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench.results import add_json_option, write_json
from bench.split_bins import read_bins
from stocktake.data.compiled_trunk import CompiledTrunk
from stocktake.data.features import BATCH_SIZE
from stocktake.model.network import ARCHITECTURES
from stocktake.model.preprocessing import Preprocessing
from stocktake.training.weights import read_weights, starting_trunk

LABELS = (1, 2, 3, 4, 5)


@torch.inference_mode()
def measure(asked: argparse.Namespace) -> dict[str, Any]:
    weights = read_weights(asked.weights.parent) if asked.weights else None
    trunk = starting_trunk(asked.architecture, 0, weights).eval()
    faster = CompiledTrunk(trunk, BATCH_SIZE, math.inf)
    photos = read_batch(asked.source, Preprocessing(asked.image_size))
    ways: dict[str, Callable[[Tensor], Tensor]] = {"asItIs": trunk, "compiled": faster}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    with torch.autocast("cpu", torch.bfloat16):
        wanted, _ = trunk(photos), faster(photos)
        started = time.perf_counter()
        faster(photos)
        compiling = time.perf_counter() - started
        same = torch.equal(faster(photos), wanted)
        for _ in range(asked.rounds):
            for way, compute in ways.items():
                started = time.perf_counter()
                compute(photos)
                seconds[way].append(time.perf_counter() - started)
    ratios = [before / after for before, after in zip(*seconds.values(), strict=True)]
    medians = {way: statistics.median(values) for way, values in seconds.items()}
    saved = (medians["asItIs"] - medians["compiled"]) / BATCH_SIZE
    return {
        "architecture": asked.architecture,
        "imageSize": asked.image_size,
        "compiled": faster.is_compiled,
        "same": same,
        "compilingSeconds": compiling,
        "imagesPerSecond": {way: BATCH_SIZE / median for way, median in medians.items()},
        "ratios": ratios,
        "ratio": statistics.median(ratios),
        "photos": round(compiling / saved / 2) if saved > 0 else None,
    }


def read_batch(source: Path, preprocessing: Preprocessing) -> Tensor:
    """The first photos of the source as the network's input, over again where there are too few."""
    bins = read_bins(source, LABELS)[:BATCH_SIZE]
    pixels = [preprocessing.pixels(bins[place % len(bins)].photo.read_bytes()) for place in range(BATCH_SIZE)]
    return preprocessing.normalise(torch.stack(pixels))


def main() -> None:
    parser = argparse.ArgumentParser(description="A frozen trunk compiled, and as it is.")
    parser.add_argument("--source", type=Path, required=True, help="bins in the dataset's layout")
    add_json_option(parser)
    parser.add_argument("--architecture", choices=ARCHITECTURES, default="resnet50")
    parser.add_argument("--weights", type=Path, help="a state_dict file, alone in its folder; random weights without")
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--rounds", type=int, default=15)
    asked = parser.parse_args()
    figures = measure(asked)
    for name, figure in figures.items():
        print(f"{name}: {figure}")
    write_json(asked.json, figures)


if __name__ == "__main__":
    main()
