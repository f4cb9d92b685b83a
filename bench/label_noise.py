"""How well wrong labels of real training bins are found: some are planted, and the list has to have them at its top.

    .venv/bin/python -m bench.label_noise --source ../shared/abid --weights FOLDER --image-size 96 --json FILE

Features are computed once. For each planting other bins get a label that is one item off, or two or more, and heads are
cross-validated as the training job does it. Labels that are wrong in the dataset itself count as false alarms.
"""

import argparse
import math
import tempfile
from pathlib import Path
from statistics import fmean

import torch

from bench.results import add_json_option, write_json
from bench.split_bins import read_bins, split_bins, write_shard
from stocktake.audit.planted import MOVES, SHARE, TOPS
from stocktake.audit.score import area_under_curve, precision_at_top
from stocktake.data.features import FeatureDataset, extract
from stocktake.data.shards import ShardDataset
from stocktake.model.network import fastest_precision
from stocktake.model.preprocessing import Preprocessing
from stocktake.model.tensor_files import read_tensors, write_tensors
from stocktake.training.hyperparameters import Hyperparameters
from stocktake.training.job import Job, create_training
from stocktake.training.label_noise import assign_folds, find_label_noise
from stocktake.training.recipe import NOTEBOOK
from stocktake.training.weights import read_weights, starting_trunk

ARCHITECTURE, LABELS, FOLDS = "mobilenet_v2", (1, 2, 3, 4, 5), 5
CPU = torch.device("cpu")


def main() -> None:
    parser = argparse.ArgumentParser(description="Precision of the list of wrong labels, with planted ones.")
    parser.add_argument("--source", type=Path, required=True, help="bins in the dataset's layout")
    parser.add_argument("--weights", type=Path, help="a folder with a state_dict file alone; random weights without")
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--plantings", type=int, default=3)
    add_json_option(parser)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        features(asked.source, asked.weights, asked.image_size, folder)
        found = {move: [planted(folder, move, seed) for seed in range(asked.plantings)] for move in MOVES}
    result = {
        move: {name: fmean(figures[name] for figures in its) for name in its[0]} | {"each": its}
        for move, its in found.items()
    }
    for move, figures in result.items():
        print(move, {name: value for name, value in figures.items() if name != "each"}, flush=True)
    write_json(asked.json, result)


def features(source: Path, weights: Path | None, image_size: int, folder: Path) -> None:
    """Write those of the training and validation bins."""
    trunk = starting_trunk(ARCHITECTURE, 0, read_weights(weights) if weights else None)
    bins = split_bins(read_bins(source, LABELS))
    for split in ("train", "valid"):
        write_shard(folder / f"shards/{split}/{split}-00000.tar", bins[split])
        images = ShardDataset(split, folder / "shards" / split, LABELS, Preprocessing(image_size))
        extract(
            trunk,
            images,
            folder / split,
            architecture=ARCHITECTURE,
            precision=fastest_precision(CPU),
            device=CPU,
            mirrored=split == "train",
        )
    (folder / "train/train-00000.pt").rename(folder / "right.pt")


def planted(folder: Path, move: str, seed: int) -> dict[str, float]:
    """Give 5% of the training bins another label; how many of these are at the top of the list."""
    content = read_tensors(folder / "right.pt")
    generator = torch.Generator().manual_seed(seed)
    counts = torch.tensor(content["counts"])
    may_be = MOVES[move]((torch.tensor(LABELS)[:, None] - torch.tensor(LABELS)).abs())
    # Each count can become another in either way.
    chosen = torch.randperm(len(counts), generator=generator)[: round(SHARE * len(counts))]
    others = torch.multinomial(may_be[counts[chosen] - LABELS[0]].double(), 1, generator=generator).squeeze(1)
    counts[chosen] = torch.tensor(LABELS)[others]
    write_tensors(folder / "train/train-00000.pt", content | {"counts": counts.tolist()})

    hyperparameters = Hyperparameters(ARCHITECTURE, "none", lr=0.002, epochs=12, seed=seed, labels=LABELS)
    splits = {split: FeatureDataset(split, folder / split, LABELS, ARCHITECTURE) for split in ("train", "valid")}
    training, start = create_training(hyperparameters, NOTEBOOK, splits, None, CPU)
    job = Job(training, dict(splits), start, None)
    noise = find_label_noise(job, assign_folds(job, FOLDS), lambda: False)

    wrong_ids = {content["ids"][place] for place in chosen.tolist()}
    scores = torch.tensor([suspect.doubt for suspect in noise.suspects], dtype=torch.float64)
    wrong = torch.tensor([suspect.id in wrong_ids for suspect in noise.suspects])
    return {
        "images": len(wrong),
        "chance": float(wrong.double().mean()),
        **{f"top {top:.0%}": precision_at_top(scores, wrong, math.ceil(top * len(wrong))) for top in TOPS},
        "area": area_under_curve(scores, wrong),
    }


if __name__ == "__main__":
    main()
