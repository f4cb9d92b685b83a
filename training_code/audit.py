"""The audit job's entry point: bins are counted as the endpoint counts them, and compared with their records.

Each batch of bins is written as a part of its own as soon as it is done. A job that is started again with the same
results goes on with the parts that are missing; whoever finds all of them ranks the bins.
"""

import argparse
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bin_record import read_record, recorded_count
from evaluate import BATCH_SIZE, load_model
from inference import CountingModel, RequestRefused, pixels_of, predict_several
from stocktake.audit.batches import UNKNOWN, Batches, Learned, Share, read_batches, read_splits
from stocktake.audit.findings import Finding, Ranking, outcome, written
from stocktake.audit.parquet import parquet_of
from stocktake.audit.places import CONCURRENCY, Place, place
from stocktake.audit.score import doubt
from stocktake.failures import JobFailure, reported_to
from stocktake.model.served_network import PRECISIONS
from stocktake.report.audit_page import PICTURES, SHOWN, render

PARTS, BEGUN, PAGE, SUMMARY = "parts", "begun.json", "index.html", "summary.json"
TABLE, TYPED_TABLE = "audit.csv", "audit.parquet"


def main() -> None:
    given = parse_arguments()
    # The job's root, /opt/ml, is where `processing/output` lies; SageMaker shows this file as ExitMessage.
    root = given.output.parents[1]
    with reported_to(root / "output" / "message"):
        share = Share.read(root / "config" / "resourceconfig.json")
        source = place(given.source, given.anonymous)
        results = place(given.results or str(given.output))
        learned = Learned(read_splits(given.learned), not given.learned_unknown)
        audit(given.model, given.batches, source, results, share, learned, given.precision)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="folder with model.tar.gz")
    parser.add_argument("--precision", choices=PRECISIONS, default="float32", help="that its endpoint computes in")
    parser.add_argument("--batches", type=Path, required=True, help="folder with <number>.json, arrays of bins' names")
    parser.add_argument("--source", required=True, help="folder or S3 URI with bin-images/ and metadata/")
    parser.add_argument("--anonymous", action="store_true", help="read the source without a signature")
    parser.add_argument("--learned", type=Path, help="folder with splits.json of the model's dataset")
    parser.add_argument(
        "--learned-unknown", action="store_true", help="it is unknown which bins the model was made from"
    )
    parser.add_argument("--output", type=Path, required=True, help="the job's output folder")
    parser.add_argument("--results", help="S3 URI where results go as they come; by default the output folder")
    return parser.parse_args()


def audit(
    model_folder: Path,
    batches_folder: Path,
    source: Place,
    results: Place,
    share: Share,
    learned: Learned = UNKNOWN,
    precision: str = "float32",
) -> None:
    batches, model = read_batches(batches_folder), load_model(model_folder, precision)
    go_on(results, made_of(model, model_folder, batches))
    done = set(results.names(PARTS))
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        for number, names in share.of(batches).items():
            if part_name(number) in done:
                continue
            findings = count(model, source, names, pool, learned.splits)
            results.write(f"{PARTS}/{part_name(number)}", written(findings, model.description.labels))
            print(f"batch={number} bins={len(names)}", flush=True)
    rank(results, batches, model, source, learned)


def part_name(number: int) -> str:
    return f"part-{number:05}.csv"


def made_of(model: CountingModel, folder: Path, batches: Batches) -> dict[str, Any]:
    """What all parts of one audit have in common."""
    return {
        "model": sha256((folder / "model.tar.gz").read_bytes()).hexdigest(),
        "labels": list(model.description.labels),
        "precision": model.precision,
        "batches": sha256(json.dumps(batches).encode()).hexdigest(),
    }


def go_on(results: Place, known: dict[str, Any]) -> None:
    """Begin an audit, or go on with one.

    Raises
    ------
    JobFailure
        When what is there is of another audit.
    """
    # Looked for by its name: of a missing object S3 tells only whoever may list the whole bucket.
    if BEGUN not in results.names(""):
        results.write(BEGUN, json.dumps(known).encode())
        return
    begun = json.loads(results.read(BEGUN))
    if differing := [name for name, value in known.items() if begun.get(name) != value]:
        raise JobFailure(
            f"The results that are there were begun with another {' and another '.join(differing)}. "
            "Give the job what they were begun with, or another place for its results."
        )


def count(
    model: CountingModel, source: Place, names: list[str], pool: ThreadPoolExecutor, splits: dict[str, str]
) -> Iterator[Finding]:
    """A finding for each bin, in order. `splits`: train or valid, of the bins that the model was made from."""
    labels = model.description.labels

    def read(start: int) -> Iterator[tuple[str, int | None, Tensor | str]]:
        return pool.map(lambda name: (name, *read_bin(source, name, model)), names[start : start + BATCH_SIZE])

    # The same photos together however often a job is started again. The next ones are read while these are counted.
    following = read(0)
    for end in range(BATCH_SIZE, len(names) + BATCH_SIZE, BATCH_SIZE):
        bins, following = list(following), read(end)
        photos = [photo for _, _, photo in bins if isinstance(photo, Tensor)]
        answers = iter(predict_several(photos, model) if photos else [])
        for name, recorded, photo in bins:
            split = splits.get(name, "")
            if not isinstance(photo, Tensor):
                yield Finding(name, "no-photo", split, recorded, reason=photo)
                continue
            answer, told = next(answers), outcome(recorded, labels)
            shares, its_doubt = answer["probabilities"], None
            if recorded is not None and told == "scored":
                [its_doubt] = doubt(torch.tensor([shares]), torch.tensor([labels.index(recorded)])).tolist()
            yield Finding(name, told, split, recorded, answer["count"], its_doubt, probabilities=shares)


def read_bin(source: Place, name: str, model: CountingModel) -> tuple[int | None, Tensor | str]:
    """The recorded count, if there is one, and the photo as the network takes it, or why there is none."""
    try:
        recorded = recorded_count(read_record(source.read(f"metadata/{name}.json")))
    except FileNotFoundError:
        recorded = None
    try:
        return recorded, pixels_of(source.read(f"bin-images/{name}.jpg"), model)
    except FileNotFoundError:
        return recorded, "There is no photo."
    except RequestRefused as refusal:
        return recorded, str(refusal)


def rank(results: Place, batches: Batches, model: CountingModel, source: Place, learned: Learned) -> None:
    """Rank all bins once all parts are there. Of two instances that see to it both write the same."""
    names = [part_name(number) for number in batches]
    missing = len(set(names) - set(results.names(PARTS)))
    if missing:
        print(f"{missing} parts are still to come from other instances", flush=True)
        return
    ranking = Ranking((results.read(f"{PARTS}/{name}") for name in names), learned.known)
    summary, top = ranking.summary(), ranking.top(SHOWN)
    table = ranking.table()
    results.write(TABLE, table)
    results.write(TYPED_TABLE, parquet_of(table))
    page = render(model.description, summary, top, photos_of([row["id"] for row in top[:PICTURES]], source))
    results.write(PAGE, page.encode())
    # Last: whoever finds it takes the audit for complete.
    results.write(SUMMARY, json.dumps(summary).encode())
    print(f"ranked bins={summary['bins']} outcomes={summary['outcomes']}", flush=True)


def photos_of(names: list[str], source: Place) -> dict[str, bytes]:
    """The photos that are still there."""
    found = {}
    for name in names:
        with suppress(FileNotFoundError):
            found[name] = source.read(f"bin-images/{name}.jpg")
    return found


if __name__ == "__main__":
    main()
