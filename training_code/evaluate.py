"""The evaluation job's entry point: a trained model against the untouched test split, beside the champion.

The champion is the model that serves. Both are read, run and measured by the same code on the same images.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from inference import CountingModel, model_fn
from stocktake.audit.planted import audit_quality
from stocktake.data.batches import ordered_batches
from stocktake.data.shards import ShardDataset, load
from stocktake.evaluation.calibration import calibration
from stocktake.evaluation.comparison import compare
from stocktake.evaluation.decision import Rule, decide
from stocktake.evaluation.overlap import NotComparable, Seen, check_labels, check_number
from stocktake.evaluation.reference import reference
from stocktake.failures import JobFailure, reported_to
from stocktake.model.artifact import unpack_artifact
from stocktake.model.counts import expected_counts
from stocktake.model.metrics import counting_metrics
from stocktake.model.served_network import native_precision
from stocktake.report.page import choose_samples, render, sections
from stocktake.serving.photos import MAXIMUM_BODY

BATCH_SIZE = 32
SAMPLES = 60
TUNING_KEYS = {"jobName", "strategy", "objective", "ranges", "trials", "best"}


def main() -> None:
    given = parse_arguments()
    # The job's root, /opt/ml, is where `processing/output` lies; SageMaker shows this file as ExitMessage.
    with reported_to(given.output.parents[1] / "output" / "message"):
        champion = Champion(given.champion_package, given.champion, given.champion_bins) if given.champion else None
        evaluate(given.model, given.test, given.output, given.rule, champion, given.tuning)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="folder with model.tar.gz")
    parser.add_argument("--test", type=Path, required=True, help="folder with the test split's shards")
    parser.add_argument("--output", type=Path, required=True, help="folder for metrics, predictions and report")
    parser.add_argument("--rule", type=Rule.read, required=True, help="JSON object: when the model is good enough")
    parser.add_argument("--champion", type=Path, help="folder with the champion's model.tar.gz, if a model serves")
    parser.add_argument("--champion-package", help="ARN of the champion's model package")
    parser.add_argument("--champion-bins", type=Path, help="folder with splits.json of the champion's dataset")
    parser.add_argument("--tuning", type=Path, help="folder with trials.json of the tuning job, if there was one")
    return parser.parse_args()


@dataclass(frozen=True)
class Champion:
    """The model that serves: its package's ARN, its artifact's folder, and that of its dataset's list of bins."""

    package: str
    model: Path
    bins: Path | None


def evaluate(
    model_folder: Path,
    test_folder: Path,
    output: Path,
    rule: Rule,
    champion: Champion | None = None,
    tuning_folder: Path | None = None,
) -> None:
    model = load_model(model_folder)
    tuning = load_trials(tuning_folder) if tuning_folder else None
    description = model.description
    test = ShardDataset("test", test_folder, description.labels, description.preprocessing)
    predictions = predict(model, test)
    metrics = measure(predictions, description.labels, description.one_off_worth) | {"precision": model.precision}
    metrics["calibration"] = calibration(predictions, description.labels, description.temperature)
    metrics["audit"] = audit_quality(predictions, description.labels)
    metrics["champion"] = against_champion(champion, test_folder, test, predictions) if champion else None
    metrics["release"] = decide(rule, metrics, metrics["champion"])
    # A larger photo is evaluated, and is no sample to try the endpoint with.
    sendable = [index for index, sample in enumerate(test.samples) if sample.size <= MAXIMUM_BODY]
    samples = [sendable[i] for i in choose_samples([predictions[i] for i in sendable], SAMPLES)]
    write(output, test, predictions, metrics, samples)
    shown = sections(description, metrics, [(predictions[i], test.image_bytes(i)) for i in samples], tuning)
    (output / "report.html").write_text(render(metrics, shown), encoding="utf-8")
    # For the page of the whole execution.
    (output / "sections.json").write_text(json.dumps(shown))
    # For the watch on drift.
    (output / "reference.json").write_text(json.dumps(reference(predictions, test.image_bytes)))
    low, high = metrics["interval"]
    print(f"test:accuracy={metrics['accuracy']:.4f} interval={low:.4f}..{high:.4f} images={len(test)}")
    print(f"accepted={metrics['release']['accepted']}: {metrics['release']['reason']}")


def load_model(folder: Path, precision: str | None = None) -> CountingModel:
    """The model of a folder's model.tar.gz; without a `precision` in the one that is the fastest here."""
    archive = folder / "model.tar.gz"
    if not archive.is_file():
        raise JobFailure(f"There is no model.tar.gz in {folder}. Give the job the training job's artifact.")
    with TemporaryDirectory() as unpacked:
        unpack_artifact(archive, Path(unpacked))
        # The endpoint computes in the format that was measured.
        return model_fn(unpacked, precision or native_precision())


def load_trials(folder: Path) -> dict[str, Any]:
    file = folder / "trials.json"
    remedy = "Give the job the trials that the tuning's state collected, or leave out --tuning."
    if not file.is_file():
        raise JobFailure(f"There is no trials.json in {folder}. {remedy}")
    try:
        tuning: dict[str, Any] = json.loads(file.read_bytes())
    except ValueError as error:
        raise JobFailure(f"{file} is damaged: {error}. {remedy}") from error
    if missing := TUNING_KEYS - (tuning.keys() if isinstance(tuning, dict) else set()):
        raise JobFailure(f"{file} is damaged: it lacks {', '.join(sorted(missing))}. {remedy}")
    return tuning


def predict(model: CountingModel, test: ShardDataset) -> list[dict[str, Any]]:
    """One row an image, in the dataset's order; numbers as the endpoint would answer them."""
    batches = load(test, ordered_batches(len(test), BATCH_SIZE))
    probabilities = torch.cat([model.probabilities(pixels) for pixels, _ in batches])
    expected = expected_counts(probabilities, test.labels)
    rows = zip(test.samples, probabilities, model.counts(probabilities), expected, strict=True)
    return [
        {
            "id": sample.id,
            "count": sample.count,
            "predicted": count,
            "expected": float(mean),
            "probabilities": row.tolist(),
        }
        for sample, row, count, mean in rows
    ]


def against_champion(
    champion: Champion, test_folder: Path, test: ShardDataset, predictions: list[dict[str, Any]]
) -> dict[str, Any]:
    """The comparison with the champion on the test images that it has not seen, or the reason why there is none."""
    result: dict[str, Any] = {"packageArn": champion.package, "comparable": False, "reason": None, "leftOut": None}
    try:
        model = load_champion(champion.model)
        check_labels(model.description.labels, test.labels)
        groups = [sample.group for sample in test.samples]
        unseen = Seen.read(champion.bins).unseen([sample.id for sample in test.samples], groups)
        result["leftOut"] = len(test) - len(unseen)
        check_number(len(unseen), len(test))
    except NotComparable as error:
        return result | {"reason": str(error)}
    rows = predict(model, ShardDataset("test", test_folder, test.labels, model.description.preprocessing))
    own = [rows[i] for i in unseen]
    compared = compare([predictions[i] for i in unseen], own, [groups[i] for i in unseen])
    calibrated = calibration(own, test.labels, model.description.temperature)
    return result | {"comparable": True, "calibration": calibrated} | compared


def load_champion(folder: Path) -> CountingModel:
    try:
        return load_model(folder)
    except Exception as error:  # whatever an earlier version wrote must not stop what would replace it
        raise NotComparable(f"its model cannot be loaded ({type(error).__name__}: {error})") from error


def measure(predictions: list[dict[str, Any]], labels: tuple[int, ...], one_off_worth: float = 0.0) -> dict[str, Any]:
    probabilities = torch.tensor([row["probabilities"] for row in predictions])
    return counting_metrics(probabilities, [row["count"] for row in predictions], labels, one_off_worth)


def write(
    folder: Path,
    test: ShardDataset,
    predictions: list[dict[str, Any]],
    metrics: dict[str, Any],
    samples: list[int],
) -> None:
    (folder / "samples").mkdir(parents=True, exist_ok=True)
    # Compact: the state machine reads it, with a confusion matrix of up to 100 labels, and takes 256 KiB.
    (folder / "metrics.json").write_text(json.dumps(metrics, separators=(",", ":")))
    (folder / "predictions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in predictions))
    for index in samples:
        # The camera's own bytes: the endpoint must answer them with the probabilities written beside.
        (folder / "samples" / f"{predictions[index]['id']}.jpg").write_bytes(test.image_bytes(index))


if __name__ == "__main__":
    main()
