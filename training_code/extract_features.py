"""The entry point of the job that runs the frozen trunk over every image, once: shards in, features out."""

import argparse
from pathlib import Path

from stocktake.data.features import extract
from stocktake.data.shards import ShardDataset
from stocktake.failures import JobFailure, reported_to
from stocktake.model.network import ARCHITECTURES, fastest_precision
from stocktake.model.preprocessing import Preprocessing
from stocktake.training.device import usable_device
from stocktake.training.weights import SOURCES, read_weights, starting_trunk

SPLITS = ("train", "valid", "test")
COUNTS = range(1001)


def main() -> None:
    asked = parse_arguments()
    # The job's root, /opt/ml, is where `processing/output` lies; SageMaker shows this file as ExitMessage.
    with reported_to(asked.output.parents[1] / "output" / "message"):
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
    if asked.weights == "channel" and asked.weights_folder is None:
        raise JobFailure("weights is channel, but no --weights-folder was given. Give the folder of the weights file.")
    device = usable_device()
    weights = read_weights(asked.weights_folder) if asked.weights == "channel" else None
    trunk = starting_trunk(asked.architecture, asked.seed, weights)
    for split in SPLITS:
        images = ShardDataset(split, asked.input / split, COUNTS, Preprocessing(asked.image_size))
        extract(
            trunk,
            images,
            asked.output / split,
            architecture=asked.architecture,
            precision=fastest_precision(device),
            device=device,
            # Only training looks at mirror images.
            mirrored=split == "train",
        )


if __name__ == "__main__":
    main()
