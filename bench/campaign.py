"""What a tuning campaign costs: the trunk run again in every epoch of every trial, against features computed once.

    .venv/bin/python -m bench.campaign --source ../shared/abid --json campaign.json [--weights FILE --architecture A]

Both ways train the same trials, drawn at random from the default ranges, on the same real bins with the same batches
and flips, on this machine's CPU, one after the other. Ours is measured whole: features and every trial. Of the
recomputing way some epochs of the first trial are measured (--epochs), twice: as the notebook project did it (float32,
torch's default layout) and in the number format and layout that ours uses. An epoch always does the same work, so the
rest is extrapolated: seconds an epoch times the epochs of all trials. Time to start jobs is in neither. The figures'
`ratio` is of seconds for all trials: recomputing in our format by ours.
"""

import argparse
import os
import platform
import tempfile
import time
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bench.results import add_json_option, write_json
from bench.split_bins import read_bins, split_bins, write_shard
from stocktake.data.compiled_trunk import fastest
from stocktake.data.features import BATCH_SIZE, extract
from stocktake.data.shards import ShardDataset
from stocktake.data.splits import PhotoSplit
from stocktake.model.metrics import wilson_interval
from stocktake.model.network import ARCHITECTURES, fastest_precision
from stocktake.model.preprocessing import Preprocessing
from stocktake.training.hyperparameters import Hyperparameters
from stocktake.training.job import create_training, open_training_split
from stocktake.training.loop import Training
from stocktake.training.recipe import NOTEBOOK
from stocktake.training.starting_point import StartingPoint
from stocktake.training.weights import read_weights, starting_trunk

CPU = torch.device("cpu")
LABELS = (1, 2, 3, 4, 5)
SHARDS = 4


def draw_trials(number: int, base: Hyperparameters) -> list[Hyperparameters]:
    """Random search over the default ranges."""
    random = Random(0)
    return [
        replace(
            base,
            lr=10 ** random.uniform(-5, -2),
            batch_size=random.choice([32, 64, 128, 256]),
            epochs=random.randint(10, 20),
        )
        for _ in range(number)
    ]


class NotebookSplit(PhotoSplit):
    """Images in torch's default layout."""

    def network_input(self, batch: Tensor) -> Tensor:
        return super().network_input(batch).contiguous()


class Trained(NamedTuple):
    """`seconds` from opening the data to the last epoch's validation."""

    seconds: float
    training: Training
    start: StartingPoint


class Campaign:
    """Shards of real bins in a folder, and the two ways to train on them."""

    def __init__(self, folder: Path, weights: Path | None, base: Hyperparameters):
        self.folder, self.base = folder, base
        self.weights = read_weights(weights.parent) if weights else None
        self.precision = fastest_precision(CPU)

    def extract(self) -> list[float]:
        """Write the features of a split after the other; seconds until each training shard was done, then the rest."""
        started, done = time.perf_counter(), []
        splits = {
            split: ShardDataset(split, self.folder / "shards" / split, LABELS, Preprocessing(self.base.image_size))
            for split in ("valid", *(f"train/{shard}" for shard in range(SHARDS)))
        }
        views = sum(len(images) * (1 if split == "valid" else 2) for split, images in splits.items())
        trunk = starting_trunk(self.base.architecture, self.base.seed, self.weights)
        trunk = fastest(trunk, self.precision, CPU, views, BATCH_SIZE)
        for split, images in splits.items():
            with redirect_stdout(StringIO()):
                extract(
                    trunk,
                    images,
                    self.folder / "features" / split,
                    architecture=self.base.architecture,
                    precision=self.precision,
                    device=CPU,
                    mirrored=split != "valid",
                )
            done.append(time.perf_counter() - started)
        return done

    def train(self, kind: str, recipe: Hyperparameters, notebook: bool = False) -> Trained:
        """Train by `shards` or `features`."""
        started = time.perf_counter()
        splits = {split: open_training_split(split, self.folder / kind / split, recipe) for split in ("train", "valid")}
        if notebook:
            splits = {
                name: NotebookSplit(split.dataset) for name, split in splits.items() if isinstance(split, PhotoSplit)
            }
        training, start = create_training(recipe, NOTEBOOK, splits, self.weights, CPU)
        if notebook:
            training.network.precision = torch.float32
            training.network.trunk.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        with redirect_stdout(StringIO()):
            training.fit(None, lambda: False)
        return Trained(time.perf_counter() - started, training, start)


def main() -> None:
    asked = parse_arguments()
    base = Hyperparameters(asked.architecture, "channel" if asked.weights else "none", labels=LABELS)
    splits = split_bins(read_bins(asked.source, LABELS)[: asked.images])
    trials = draw_trials(asked.trials, base)
    result: dict[str, Any] = {
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}",
        "architecture": asked.architecture,
        "images": {split: len(bins) for split, bins in splits.items()},
        "trials": [{"lr": trial.lr, "batchSize": trial.batch_size, "epochs": trial.epochs} for trial in trials],
    }
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for number in range(SHARDS):
            write_shard(folder / f"shards/train/{number}/train-{number:05}.tar", splits["train"][number::SHARDS])
        write_shard(folder / "shards/valid/valid-00000.tar", splits["valid"])
        campaign = Campaign(folder, asked.weights, base)
        result["precision"] = str(campaign.precision)
        result["ours"] = measure_ours(campaign, trials)
        result["recomputing"] = measure_recomputing(campaign, trials[0], asked.epochs, sum(t.epochs for t in trials))
    result["ratio"] = result["recomputing"]["sameFormat"]["seconds"] / result["ours"]["seconds"]
    result["growth"] = growth(result)
    tell(result)
    write_json(asked.json, result)


def measure_ours(campaign: Campaign, trials: list[Hyperparameters]) -> dict[str, Any]:
    extraction, runs = campaign.extract(), []
    for trial in trials:
        seconds, training, _ = campaign.train("features", trial)
        best = training.progress.best
        runs.append({"seconds": seconds, "accuracy": best["validation:accuracy"], "epoch": best["epoch"]})
        print(f"trial {len(runs)}: {seconds:.1f} s", flush=True)
    return {
        "extraction": extraction,
        "trials": runs,
        "seconds": extraction[-1] + sum(run["seconds"] for run in runs),
        "bestAccuracy": max(run["accuracy"] for run in runs),
    }


def measure_recomputing(campaign: Campaign, trial: Hyperparameters, epochs: int, all_epochs: int) -> dict[str, Any]:
    """Some epochs of the first trial, as both do them."""
    recipe, ways = replace(trial, epochs=epochs), {}
    ours = campaign.train("features", recipe).training
    for name in ("notebook", "sameFormat"):
        seconds, training, _ = campaign.train("shards", recipe, notebook=name == "notebook")
        ways[name] = {
            "measuredEpochs": epochs,
            "secondsPerEpoch": seconds / epochs,
            "seconds": seconds / epochs * all_epochs,
            "history": training.progress.history,
        }
        print(f"recomputing, {name}: {seconds / epochs:.1f} s an epoch", flush=True)
    return ways | {"oursAtTheSameEpochs": ours.progress.history}


def growth(result: dict[str, Any]) -> dict[str, Any]:
    """Seconds by number of trials, and by share of the images (as far as measured: the extraction, shard by shard)."""
    ours, recomputing = result["ours"], result["recomputing"]
    epochs = [trial["epochs"] for trial in result["trials"]]
    by_trials = [
        {
            "trials": number,
            "ours": ours["extraction"][-1] + sum(run["seconds"] for run in ours["trials"][:number]),
            "sameFormat": recomputing["sameFormat"]["secondsPerEpoch"] * sum(epochs[:number]),
            "notebook": recomputing["notebook"]["secondsPerEpoch"] * sum(epochs[:number]),
        }
        for number in range(1, len(epochs) + 1)
    ]
    return {"byTrials": by_trials, "extractionByTrainingShards": ours["extraction"][1:]}


def tell(result: dict[str, Any]) -> None:
    ours, recomputing = result["ours"], result["recomputing"]
    valid = result["images"]["valid"]
    print(f"\n{result['architecture']}, {result['images']}, {result['machine']}, features in {result['precision']}")
    print(
        f"ours: {ours['seconds']:.0f} s, of which features {ours['extraction'][-1]:.0f} s "
        f"(after each quarter of the training images: {', '.join(f'{s:.0f}' for s in ours['extraction'][1:])} s)"
    )
    for name in ("notebook", "sameFormat"):
        way = recomputing[name]
        print(
            f"recomputing, {name}: {way['secondsPerEpoch']:.1f} s an epoch (measured on {way['measuredEpochs']}), "
            f"{way['seconds']:.0f} s for all trials (extrapolated): {way['seconds'] / ours['seconds']:.1f} times ours"
        )
    print(f"\n{'trials':>7}{'ours s':>10}{'same format s':>15}{'ratio':>7}{'notebook s':>12}{'ratio':>7}")
    for row in result["growth"]["byTrials"]:
        print(
            f"{row['trials']:>7}{row['ours']:>10.0f}{row['sameFormat']:>15.0f}{row['sameFormat'] / row['ours']:>7.1f}"
            f"{row['notebook']:>12.0f}{row['notebook'] / row['ours']:>7.1f}"
        )
    print("\nValidation after each measured epoch of the first trial (loss, accuracy):")
    rows = {"ours": recomputing["oursAtTheSameEpochs"]} | {
        name: recomputing[name]["history"] for name in ("sameFormat", "notebook")
    }
    for name, history in rows.items():
        shown = ", ".join(f"{row['validation:loss']:.4f} {row['validation:accuracy']:.4f}" for row in history)
        print(f"  {name:<12}{shown}")
    low, high = wilson_interval(round(ours["bestAccuracy"] * valid), valid)
    print(
        f"Best validation accuracy of the campaign: {ours['bestAccuracy']:.3f} ({low:.3f} to {high:.3f} on {valid} "
        f"images, optimistic as the best of {len(ours['trials'])} trials' best epochs)"
    )


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A tuning campaign with and without features.")
    parser.add_argument("--source", type=Path, required=True, help="bins in the dataset's layout")
    add_json_option(parser)
    parser.add_argument("--architecture", choices=ARCHITECTURES, default="resnet50")
    parser.add_argument("--weights", type=Path, help="a state_dict file, alone in its folder; random weights without")
    parser.add_argument("--images", type=int, help="use only so many")
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=1, help="measured of the recomputing ways")
    return parser.parse_args()


if __name__ == "__main__":
    main()
