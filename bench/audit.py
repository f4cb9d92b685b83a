"""How well an audit finds records that are wrong: a copy of bins with planted ones, and what an audit made of it.

    .venv/bin/python -m bench.audit plant --source ../shared/abid --to planted [--share 0.05]
    .venv/bin/python -m bench.audit score --table audit.csv --planted planted/planted.json --json result.json

`plant` moves the recorded count of some bins, drawn by lot, to another of the counts 1 to 5, and leaves the photos as
they are. `score` takes the table of an audit of that copy: of the bins that the model has not learned from, the share
of planted records among those that rank highest, with bootstrap intervals over bins, beside their share in random
order; the area under the ROC curve; and the error rate that the audit estimated. Other records count as right.
"""

import argparse
import csv
import json
import random
import shutil
from pathlib import Path
from typing import Any

import torch

from bench.results import add_json_option, write_json
from bin_record import read_record, recorded_count
from stocktake.audit.findings import LEARNED
from stocktake.audit.planted import TOPS
from stocktake.audit.score import area_under_curve, error_rate, precision_at_top

LABELS = range(1, 6)
DRAWS = 1000


def main() -> None:
    asked = parse_arguments()
    if asked.command == "plant":
        plant(asked.source, asked.to, asked.share, asked.seed)
    else:
        result = score(asked.table, json.loads(asked.planted.read_text()))
        tell(result)
        write_json(asked.json, result)


def plant(source: Path, to: Path, share: float, seed: int) -> None:
    """Write the copy and planted.json: {id: the count that is right}."""
    for folder in ("bin-images", "metadata"):
        (to / folder).mkdir(parents=True, exist_ok=True)
    for photo in (source / "bin-images").iterdir():
        shutil.copyfile(photo, to / "bin-images" / photo.name)
    records = {file.stem: read_record(file.read_bytes()) for file in sorted((source / "metadata").iterdir())}
    counted = {name: count for name, record in records.items() if (count := recorded_count(record)) in LABELS}
    lot = random.Random(seed)
    planted = {name: counted[name] for name in sorted(lot.sample(sorted(counted), round(share * len(counted))))}
    for name, record in records.items():
        if name in planted:
            other = lot.choice([count for count in LABELS if count != planted[name]])
            (to / "metadata" / f"{name}.json").write_text(json.dumps({**(record or {}), "EXPECTED_QUANTITY": other}))
        else:
            shutil.copyfile(source / "metadata" / f"{name}.json", to / "metadata" / f"{name}.json")
    (to / "planted.json").write_text(json.dumps(planted))
    print(f"{len(planted)} of {len(counted)} records with 1 to 5 items are wrong in {to}")


def score(table: Path, planted: dict[str, int]) -> dict[str, Any]:
    """The figures, by how far the planted records are off, and for all of them."""
    with table.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["outcome"] == "scored" and row["split"] not in LEARNED]
    recorded = [f"probability_{row['recorded']}" for row in rows]
    doubts = torch.tensor([1 - float(row[name]) for row, name in zip(rows, recorded, strict=True)], dtype=torch.float64)
    wrong = torch.tensor([row["id"] in planted for row in rows])
    off = torch.tensor([abs(int(row["recorded"]) - planted.get(row["id"], int(row["recorded"]))) for row in rows])
    rate = error_rate(doubts, len(LABELS))
    kinds = {"all": wrong, "byOne": off == 1, "byTwoOrMore": off >= 2}
    return {
        "bins": len(rows),
        "planted": int(wrong.sum()),
        "errorRate": {"planted": float(wrong.double().mean()), "estimate": rate.estimate, "interval": rate[1:]},
        # Records that are off by another distance are left out, as they would count as right.
        "found": {name: figures(doubts[kind | ~wrong], kind[kind | ~wrong]) for name, kind in kinds.items()},
    }


def figures(doubts: torch.Tensor, wrong: torch.Tensor) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(0)
    drawn = []
    for _ in range(DRAWS):
        chosen = torch.randint(len(wrong), (len(wrong),), generator=generator)
        if wrong[chosen].any():
            drawn.append(measures(doubts[chosen], wrong[chosen]))
    low, high = torch.tensor(drawn, dtype=torch.float64).quantile(torch.tensor([0.025, 0.975]).double(), dim=0).tolist()
    names = [*(f"precisionAtTop{share:.0%}" for share in TOPS), "areaUnderCurve"]
    found = zip(names, measures(doubts, wrong), low, high, strict=True)
    chance = float(wrong.double().mean())
    return {"chance": chance} | {name: {"estimate": one, "interval": [*bounds]} for name, one, *bounds in found}


def measures(doubts: torch.Tensor, wrong: torch.Tensor) -> list[float]:
    at_top = [precision_at_top(doubts, wrong, max(1, round(share * len(wrong)))) for share in TOPS]
    return [*at_top, area_under_curve(doubts, wrong)]


def tell(result: dict[str, Any]) -> None:
    rate = result["errorRate"]
    low, high = rate["interval"]
    print(
        f"{result['bins']} bins that the model has not learned from, {result['planted']} planted records "
        f"({rate['planted']:.1%}); the audit's estimate {rate['estimate']:.1%} ({low:.1%} to {high:.1%})"
    )
    for name, found in result["found"].items():
        print(f"{name}: {found['chance']:.1%} in random order")
        for measure, figure in found.items():
            if measure != "chance":
                low, high = figure["interval"]
                print(f"  {measure:<20}{figure['estimate']:.3f} ({low:.3f} to {high:.3f})")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How well an audit finds records that are wrong.")
    commands = parser.add_subparsers(dest="command", required=True)
    planting = commands.add_parser("plant", help="write a copy of bins with wrong records among them")
    planting.add_argument("--source", type=Path, required=True, help="bins in the dataset's layout")
    planting.add_argument("--to", type=Path, required=True, help="a new folder")
    planting.add_argument("--share", type=float, default=0.05, help="of the records with 1 to 5 items")
    planting.add_argument("--seed", type=int, default=0)
    scoring = commands.add_parser("score", help="measure an audit of the copy")
    scoring.add_argument("--table", type=Path, required=True, help="audit.csv")
    scoring.add_argument("--planted", type=Path, required=True, help="planted.json of the copy")
    add_json_option(scoring)
    return parser.parse_args()


if __name__ == "__main__":
    main()
