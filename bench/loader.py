"""Images a second into the training step: shards against torchvision's ImageFolder, from a cold and a warm page cache.

    .venv/bin/python -m bench.loader --source ../shared/abid --json loader.json [--images N]

The same photos, byte for byte, lie in one folder a count and in shards; both ways end with the same normalised batches,
shuffled and mirrored at random, with as many workers: processes of ImageFolder's DataLoader, threads of ours. Without
any, the training step's own thread loads. ImageFolder is written as everybody writes it, and once more with the memory
setting that ours comes with (large pages). Each way runs in a process of its own; they take turns, and a ratio is the
median over the rounds of one turn's seconds by the other's. An epoch starts when its loader is made, and ends with the
last batch. Cold: the files are dropped from the page cache before each epoch, with root's rights all that the kernel
caches. The figures' `ratio` is ImageFolder's seconds by ours, the lowest of all states of the cache and numbers of
workers.
"""

import argparse
import multiprocessing
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import PIL
import torch
import torchvision
from PIL import features
from torch import Tensor
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from bench.children import child
from bench.results import add_json_option, write_json
from bench.split_bins import Bin, read_bins, write_shard
from photo_file import read
from stocktake.data.batches import epoch_batches
from stocktake.data.shards import ShardDataset, load
from stocktake.model.preprocessing import Preprocessing

LABELS = (1, 2, 3, 4, 5)
BATCH = 128
PREPROCESSING = Preprocessing(224)
IMAGES_A_SHARD = 2000
LARGE_PAGES = "THP_MEM_ALLOC_ENABLE"
OURS, PLAIN, TUNED = "shards", "ImageFolder", "ImageFolder, large pages"
WAYS = (OURS, PLAIN, TUNED)
CACHES = ["warm", "cold"]

Epoch = Callable[[int, int], Iterator[Tensor]]
"""The network's inputs of one epoch, from its number and the number of workers."""


def write(folder: Path, bins: list[Bin]) -> None:
    """The photos both ways."""
    for label in LABELS:
        (folder / "tree" / str(label)).mkdir(parents=True)
    for bin_ in bins:
        shutil.copyfile(bin_.photo, folder / "tree" / str(bin_.count) / bin_.photo.name)
    for number, start in enumerate(range(0, len(bins), IMAGES_A_SHARD)):
        write_shard(folder / "shards" / f"train-{number:05}.tar", bins[start : start + IMAGES_A_SHARD])
    os.sync()  # the kernel keeps in its cache what is not on the disk yet


def open_shards(folder: Path) -> ShardDataset:
    return ShardDataset("train", folder / "shards", LABELS, PREPROCESSING)


def open_tree(folder: Path, mirrored: float = 0.5) -> ImageFolder:
    side = PREPROCESSING.image_size
    steps = [
        transforms.Resize((side, side)),
        transforms.RandomHorizontalFlip(mirrored),
        transforms.ToTensor(),
        transforms.Normalize(PREPROCESSING.mean, PREPROCESSING.std),
    ]
    return ImageFolder(str(folder / "tree"), transforms.Compose(steps))


def from_shards(folder: Path) -> Epoch:
    dataset = open_shards(folder)

    def epoch(number: int, workers: int) -> Iterator[Tensor]:
        for pixels, _ in load(dataset, epoch_batches(len(dataset), BATCH, 0, number), workers):
            yield PREPROCESSING.normalise(pixels)

    return epoch


def from_tree(folder: Path) -> Epoch:
    dataset = open_tree(folder)

    def epoch(_: int, workers: int) -> Iterator[Tensor]:
        for images, _ in DataLoader(dataset, batch_size=BATCH, shuffle=True, num_workers=workers):
            yield images

    return epoch


def largest_difference(folder: Path, images: int = 200) -> float:
    """Between the two ways' inputs, of the first images and their mirror images."""
    shards, difference = open_shards(folder), 0.0
    places = {sample.id: index for index, sample in enumerate(shards.samples)}
    for mirrored in (False, True):
        tree = open_tree(folder, float(mirrored))
        for place, (name, _) in enumerate(tree.samples[:images]):
            pixels, _ = shards[places[Path(name).stem], mirrored]
            [ours] = PREPROCESSING.normalise(pixels.unsqueeze(0))
            difference = max(difference, float((ours - tree[place][0]).abs().max()))
    return difference


def decoding(folder: Path, images: int = 1000) -> float:
    """Images a second that one core decodes, and does nothing else."""
    shards = open_shards(folder)
    photos = [shards.image_bytes(index) for index in range(min(images, len(shards)))]
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        for photo in photos:
            read(photo)
        best = min(best, time.process_time() - started)
    return len(photos) / best


class Way:
    """Seconds of an epoch, from its number and the number of workers. The first call opens the photos."""

    def __init__(self, name: str, folder: Path):
        self.name, self.folder = name, folder

    @cached_property
    def epoch(self) -> Epoch:
        # On busy cores, threads that divide such small work among them wait for each other most of the time.
        torch.set_num_threads(1)
        # A spawned process would spawn the DataLoader's workers too, which takes seconds an epoch.
        multiprocessing.set_start_method("fork", force=True)
        return from_shards(self.folder) if self.name == OURS else from_tree(self.folder)

    def __call__(self, number: int, workers: int) -> float:
        batches = self.epoch
        started = time.perf_counter()
        for batch in batches(number, workers):
            del batch  # its memory is free for the next one, as in training
        return time.perf_counter() - started


def start(way: str, folder: Path, children: ExitStack) -> Callable[[int, int], float]:
    # Read when torch makes its first tensor; ours sets it where nobody did.
    os.environ[LARGE_PAGES] = "0" if way == PLAIN else "1"
    return children.enter_context(child(Way(way, folder)))


def forget(folder: Path) -> None:
    """Drop the photos from the page cache."""
    for file in folder.rglob("*.*"):
        opened = os.open(file, os.O_RDONLY)
        os.posix_fadvise(opened, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(opened)
    if os.access("/proc/sys/vm/drop_caches", os.W_OK):
        Path("/proc/sys/vm/drop_caches").write_text("3")


def measure(
    folder: Path, images: int, rounds: int, caches: list[str], all_workers: list[int]
) -> Iterator[dict[str, Any]]:
    """Each way, for each state of the cache and number of workers: seconds of an epoch, and what follows from them."""
    with ExitStack() as children:
        epochs = {way: start(way, folder, children) for way in WAYS}

        def seconds(way: str, number: int, workers: int, cache: str) -> float:
            if cache == "cold":
                forget(folder)
            return epochs[way](number, workers)

        for way in WAYS:
            seconds(way, 0, 0, "warm")  # the first epoch fills the cache and imports what it needs
        for cache, workers in product(caches, all_workers):
            rows = [{way: seconds(way, number, workers, cache) for way in WAYS} for number in range(rounds)]
            yield {
                "cache": cache,
                "workers": workers,
                "seconds": rows,
                "imagesPerSecond": {way: images / statistics.median(row[way] for row in rows) for way in WAYS},
                "ratio": {way: statistics.median(row[way] / row[OURS] for row in rows) for way in (PLAIN, TUNED)},
            }


def machine() -> dict[str, Any]:
    pages = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "largePages": pages.read_text().strip() if pages.exists() else None,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "pillow": PIL.__version__,
        "libjpeg-turbo": features.version("libjpeg_turbo"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Images a second into the training step.")
    parser.add_argument("--source", type=Path, required=True, help="bins in the dataset's layout")
    add_json_option(parser)
    parser.add_argument("--images", type=int, help="use only so many")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--caches", nargs="+", choices=CACHES, default=CACHES, help="states of the page cache")
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2], help="numbers of workers")
    asked = parser.parse_args()
    bins = read_bins(asked.source, LABELS)[: asked.images]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write(folder, bins)
        result: dict[str, Any] = {
            "command": sys.argv,
            "machine": machine(),
            "images": len(bins),
            "meanBytes": statistics.mean(bin_.photo.stat().st_size for bin_ in bins),
            "batch": BATCH,
            "largestDifference": largest_difference(folder),
            "decodedPerSecond": decoding(folder),
            "epochs": [],
        }
        tell(result)
        for row in measure(folder, len(bins), asked.rounds, asked.caches, asked.workers):
            result["epochs"].append(row)
            tell_row(row)
    result["ratio"] = min(row["ratio"][PLAIN] for row in result["epochs"])
    write_json(asked.json, result)


def tell(result: dict[str, Any]) -> None:
    print(f"{result['images']} images of {result['meanBytes']:.0f} bytes, batches of {BATCH}; {result['machine']}")
    print(f"largest difference of the inputs: {result['largestDifference']}")
    print(f"one core decodes {result['decodedPerSecond']:.0f} images a second if it does nothing else\n")
    ways = "".join(f"{way:>26}" for way in WAYS)
    print(f"{'images/s':<9}{'workers':>7}{ways}{'ratio':>7}{'ratio':>7}", flush=True)


def tell_row(row: dict[str, Any]) -> None:
    rates = "".join(f"{row['imagesPerSecond'][way]:>26.0f}" for way in WAYS)
    ratios = "".join(f"{row['ratio'][way]:>7.2f}" for way in (PLAIN, TUNED))
    print(f"{row['cache']:<9}{row['workers']:>7}{rates}{ratios}", flush=True)


if __name__ == "__main__":
    main()
