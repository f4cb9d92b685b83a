"""The entry point of the job that runs the frozen trunk over every image, once: shards in, features out."""

import argparse
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import torch

from stocktake.data.compiled_trunk import fastest
from stocktake.data.features import BATCH_SIZE, NotFinite, extract
from stocktake.data.shards import ShardDataset
from stocktake.failures import JobFailure, reported_to
from stocktake.model.network import ARCHITECTURES, fastest_precision
from stocktake.model.preprocessing import Preprocessing
from stocktake.training.device import take, usable_devices
from stocktake.training.weights import SOURCES, read_weights, starting_trunk

SPLITS = ("train", "valid", "test")
MIRRORED = ("train",)
"""Splits whose mirror images are wanted, too: only training looks at them."""
COUNTS = range(1001)
OUT_OF_MEMORY = "Lower the input's dataset.imageSize, or use an instance type whose GPUs have more memory."


def main() -> None:
    asked = parse_arguments()
    # The job's root, /opt/ml, is where `processing/output` lies; SageMaker shows this file as ExitMessage.
    with reported_to(asked.output.parents[1] / "output" / "message", OUT_OF_MEMORY):
        run(asked)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architecture", choices=ARCHITECTURES, required=True)
    parser.add_argument("--weights", choices=SOURCES, required=True)
    parser.add_argument("--seed", type=int, required=True, help="of the random weights, when there are no others")
    parser.add_argument("--image-size", type=int, required=True)
    parser.add_argument("--input", type=Path, required=True, help="folder with train, valid and test shards")
    parser.add_argument("--weights-folder", type=Path, help="folder with the weights file")
    parser.add_argument("--output", type=Path, required=True, help="folder for the features, by split")
    return parser.parse_args()


def run(asked: argparse.Namespace) -> None:
    """Extract in the fastest number format, or all anew in float32 where that does not hold the values.

    One format for the whole dataset: shards of another would be features of another network.
    """
    if asked.weights == "channel" and asked.weights_folder is None:
        raise JobFailure("weights is channel, but no --weights-folder was given. Give the folder of the weights file.")
    devices = usable_devices()
    precision = fastest_precision(devices[0])
    print(f"{asked.architecture} in {precision} on {', '.join(map(str, devices))}", flush=True)
    try:
        extract_on(devices, asked, precision)
    except NotFinite as failure:
        if precision == torch.float32:
            raise
        print(f"{failure}\nAll features are computed in float32 instead.", flush=True)
        extract_on(devices, asked, torch.float32)


def extract_on(devices: list[torch.device], asked: argparse.Namespace, precision: torch.dtype) -> None:
    """Deal the shards out to a process for each device; a single device needs none of its own.

    Raises
    ------
    JobFailure
        When one has failed; the others are ended.
    """
    if len(devices) == 1:
        extract_part(asked, precision, devices[0], 0, 1)
        return
    with ProcessPoolExecutor(len(devices), multiprocessing.get_context("spawn")) as pool:
        parts = [
            pool.submit(extract_part, asked, precision, device, part, len(devices))
            for part, device in enumerate(devices)
        ]
        try:
            for part in as_completed(parts):
                part.result()
        except BaseException:
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def extract_part(
    asked: argparse.Namespace, precision: torch.dtype, device: torch.device, part: int, parts: int
) -> None:
    """Extract every `parts`-th shard of each split, from the `part`-th on."""
    take(device)
    if parts > 1:
        torch.set_num_threads(max(1, len(os.sched_getaffinity(0)) // parts))
    weights = read_weights(asked.weights_folder) if asked.weights == "channel" else None
    splits = {
        split: ShardDataset(split, asked.input / split, COUNTS, Preprocessing(asked.image_size)) for split in SPLITS
    }
    trunk = starting_trunk(asked.architecture, asked.seed, weights)
    trunk = fastest(trunk, precision, device, sum(map(views, splits.values())) / parts, BATCH_SIZE)
    for split, images in splits.items():
        extract(
            trunk,
            images,
            asked.output / split,
            architecture=asked.architecture,
            precision=precision,
            device=device,
            mirrored=split in MIRRORED,
            shards=slice(part, None, parts),
        )


def views(images: ShardDataset) -> int:
    """How many pictures the trunk has to look at."""
    return len(images) * (2 if images.split in MIRRORED else 1)


if __name__ == "__main__":
    main()
