"""What each ingredient of the fine-tuning recipe brings: the recipe, today's way, and the recipe without one of them.

    .venv/bin/python -m bench.recipe --source ../shared/abid --weights FILE --json recipe.json [--seeds 0 1 2]

Every variant trains on the same photos, split by groups, and answers the same test photos, which no variant has seen
or was chosen by; with another seed the groups fall elsewhere, and batches and the head's first weights differ, too.
The answers to all seeds' test photos are compared in pairs, with cluster-bootstrap intervals over groups. Answers are
those that a model would serve; the recipe's model also answers without mirror images, which costs half, and with the
most probable count. The figures' `ratio` is of root mean squared errors: the notebook recipe's by fine-tuning's.
`--json` is written after each training; those that are in it already are not repeated, so that what takes hours can be
stopped and taken up again.
"""

import argparse
import json
import platform
import sys
import tempfile
import time
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench.results import add_json_option, write_json
from bench.split_bins import Bin, read_bins, split_bins, write_shard
from run.recipes import PRESETS
from stocktake.data.batches import ordered_batches
from stocktake.data.shards import ShardDataset, load
from stocktake.evaluation.comparison import compare
from stocktake.model.counts import chosen_positions, expected_counts
from stocktake.model.network import ARCHITECTURES, create_model
from stocktake.model.preprocessing import Preprocessing
from stocktake.training.hyperparameters import Hyperparameters
from stocktake.training.job import create_training, open_training_split
from stocktake.training.recipe import FINE_TUNING, NOTEBOOK, Recipe
from stocktake.training.weights import read_weights

CPU = torch.device("cpu")
LABELS = (1, 2, 3, 4, 5)
SHARES = {"train": 0.75, "valid": 0.05, "test": 0.2}
MINE, TODAY = "fine-tuning", "notebook, all layers"
PRESET = PRESETS[MINE]
PLAIN, LIKELIEST = "without mirror images", "without worth of one off"
"""Other answers of the recipe's own models."""


@dataclass(frozen=True)
class Variant:
    """One way to train."""

    recipe: Recipe
    changes: dict[str, Any]


def variants() -> dict[str, Variant]:
    """The recipe, today's way, and the recipe with one ingredient left out, or one that is not in it, by name."""
    left_out: dict[str, dict[str, Any]] = {
        "average of weights": {"average": None},
        "photos with other counts": {"every_count": False},
    }
    return {
        MINE: Variant(FINE_TUNING, {}),
        TODAY: Variant(NOTEBOOK, {"recipe": "notebook", "lr": 0.0005, "batch_size": 128}),
        "with ordinal targets": Variant(FINE_TUNING, {"loss": "ordinal"}),
        **{f"without {name}": Variant(replace(FINE_TUNING, **change), {}) for name, change in left_out.items()},
    }


def train(variant: Variant, base: Hyperparameters, folder: Path, weights: Path | None) -> dict[str, Any]:
    """Train, and answer the test photos in float32: {seconds, history, rows, plain}; `plain` without mirror images."""
    asked, started = replace(base, **variant.changes), time.perf_counter()
    splits = {
        name: open_training_split(name, folder / name, asked, variant.recipe, folder / "uncounted")
        for name in ("train", "valid")
    }
    known = read_weights(weights.parent) if weights else None
    training, start = create_training(asked, variant.recipe, splits, known, CPU)
    with redirect_stdout(StringIO()):
        training.fit(None, lambda: False)
    seconds = time.perf_counter() - started
    model = create_model(asked.architecture, len(LABELS))
    model.load_state_dict(start.served(training.progress.best_weights))
    test = ShardDataset("test", folder / "test", LABELS, Preprocessing(asked.image_size))
    plain, mirrored = answers(model.eval(), test, variant.recipe.one_off_worth)
    served = mirrored if variant.recipe.mirrored else plain
    return {"seconds": seconds, "history": training.progress.history, "rows": served, "plain": plain}


@torch.inference_mode()
def answers(
    model: torch.nn.Module, test: ShardDataset, one_off_worth: float
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A row for each photo, by itself and as the mean over it and its mirror image."""
    batches = [test.preprocessing.normalise(pixels) for pixels, _ in load(test, ordered_batches(len(test), 64))]
    plain = torch.cat([model(batch).softmax(1) for batch in batches])
    flipped = torch.cat([model(batch.flip(3)).softmax(1) for batch in batches])
    return rows_of(test, plain, one_off_worth), rows_of(test, (plain + flipped) / 2, one_off_worth)


def rows_of(test: ShardDataset, found: Tensor, one_off_worth: float) -> list[dict[str, Any]]:
    positions = chosen_positions(found, LABELS, one_off_worth).tolist()
    return [
        {
            "count": sample.count,
            "group": sample.group,
            "predicted": LABELS[position],
            "expected": float(expected),
            "probabilities": [round(float(share), 5) for share in row],
        }
        for sample, row, position, expected in zip(
            test.samples, found, positions, expected_counts(found, LABELS), strict=True
        )
    ]


def likeliest(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same answers by the most probable count."""
    positions = chosen_positions(torch.tensor([row["probabilities"] for row in rows]), LABELS).tolist()
    return [row | {"predicted": LABELS[position]} for row, position in zip(rows, positions, strict=True)]


def rows_as(name: str, run: dict[str, Any]) -> list[dict[str, Any]]:
    """A training's answers as they are compared under a name."""
    if name == PLAIN:
        return list(run["plain"])
    return likeliest(run["rows"]) if name == LIKELIEST else list(run["rows"])


def write_splits(folder: Path, bins: list[Bin], seed: int) -> dict[str, int]:
    """Shards of the splits and, in `uncounted`, of the other photos of the training split's groups."""
    splits = split_bins(bins, seed, SHARES)
    uncounted = [bin_ for bin_ in splits["train"] if bin_.count not in LABELS]
    counted = {name: [bin_ for bin_ in its if bin_.count in LABELS] for name, its in splits.items()}
    for name, its in (counted | {"uncounted": uncounted}).items():
        write_shard(folder / name / f"{name}-00000.tar", its)
    return {name: len(its) for name, its in (counted | {"uncounted": uncounted}).items()}


def main() -> None:
    asked = parse_arguments()
    base = Hyperparameters(
        asked.architecture,
        "channel" if asked.weights else "none",
        "all",
        "cross-entropy",
        lr=PRESET["hyperparameters"]["learningRate"],
        batch_size=PRESET["hyperparameters"]["batchSize"],
        epochs=asked.epochs,
        image_size=asked.image_size,
        labels=LABELS,
        recipe="fine-tuning",
    )
    bins = read_bins(asked.source)[: asked.images]
    result = taken_up(
        asked.json,
        {
            "machine": platform.processor() or platform.machine(),
            "torch": torch.__version__,
            "architecture": asked.architecture,
            "weights": asked.weights.name if asked.weights else None,
            "imageSize": asked.image_size,
            "epochs": asked.epochs,
            "bins": len(bins),
        },
    )
    for seed in asked.seeds:
        runs = result["runs"].setdefault(str(seed), {})
        if not (due := [name for name in asked.variants if name not in runs]):
            continue
        with tempfile.TemporaryDirectory() as temporary:
            result["images"][str(seed)] = write_splits(Path(temporary), bins, seed)
            for name in due:
                runs[name] = train(variants()[name], replace(base, seed=seed), Path(temporary), asked.weights)
                print(f"seed {seed}: {name}: {told(runs[name]['rows'])}, {runs[name]['seconds']:.0f} s", flush=True)
                summarise(result)
                write_json(asked.json, result)
    tell(result)


def taken_up(file: Path | None, settings: dict[str, Any]) -> dict[str, Any]:
    """What the file holds of trainings with these settings, or nothing yet; ends the bench where it holds others."""
    if file is None or not file.exists():
        return settings | {"images": {}, "runs": {}}
    try:
        before: dict[str, Any] = json.loads(file.read_bytes())
        others = [name for name, value in settings.items() if before[name] != value]
    except (ValueError, KeyError, TypeError):
        sys.exit(f"--json: {file} holds no figures of this bench. Name another file.")
    if others:
        sys.exit(f"--json: {file} holds trainings with another {' and '.join(others)}. Name another file.")
    return before


def told(rows: list[dict[str, Any]]) -> str:
    figures = compare(rows, rows, [row["group"] for row in rows])["challenger"]
    return f"accuracy {figures['accuracy']:.3f}, within one {figures['withinOne']:.3f}, RMSE {figures['rmse']:.3f}"


def summarise(result: dict[str, Any]) -> None:
    """Each variant against the recipe, over the seeds that both were trained with."""
    runs = result["runs"]
    result["compared"] = compared = {}
    for name in (*variants(), PLAIN, LIKELIEST):
        trained = MINE if name in {PLAIN, LIKELIEST} else name
        seeds = [seed for seed, its in runs.items() if trained in its and MINE in its]
        if name != MINE and seeds:
            mine = [row for seed in seeds for row in runs[seed][MINE]["rows"]]
            other = [row for seed in seeds for row in rows_as(name, runs[seed][trained])]
            # A group that several seeds test is one cluster: their models err on the same photos.
            groups = [row["group"] for row in mine]
            compared[name] = {"seeds": seeds} | compare(mine, other, groups)
    if TODAY in compared:
        result["ratio"] = compared[TODAY]["champion"]["rmse"] / compared[TODAY]["challenger"]["rmse"]


def tell(result: dict[str, Any]) -> None:
    print(f"\n{'fine-tuning less ...':<36}{'seeds':>6}{'photos':>7}  {'accuracy':<26}{'within one':<26}{'RMSE':<26}")
    for name, compared in result.get("compared", {}).items():
        cells = []
        for measure in ("accuracy", "withinOne", "rmse"):
            difference = compared["difference"][measure]
            low, high = difference["interval"]
            cells.append(f"{difference['estimate']:+.3f} ({low:+.3f} to {high:+.3f})")
        seeds, photos = len(compared["seeds"]), compared["images"]
        print(f"{name:<36}{seeds:>6}{photos:>7}  {''.join(f'{cell:<26}' for cell in cells)}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The fine-tuning recipe and what its ingredients bring.")
    parser.add_argument("--source", type=Path, required=True, help="bins in the dataset's layout")
    add_json_option(parser)
    parser.add_argument("--architecture", choices=ARCHITECTURES, default="mobilenet_v2")
    parser.add_argument("--weights", type=Path, help="a state_dict file, alone in its folder; random weights without")
    parser.add_argument("--images", type=int, help="use only so many")
    parser.add_argument("--image-size", type=int, default=PRESET["dataset"]["imageSize"])
    parser.add_argument("--epochs", type=int, default=PRESET["hyperparameters"]["epochs"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--variants", nargs="+", choices=list(variants()), default=list(variants()))
    return parser.parse_args()


if __name__ == "__main__":
    main()
