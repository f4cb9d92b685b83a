import json
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from synthetic_tuning import TUNING

import evaluate
from inference import input_fn, model_fn, predict_fn
from photo_file import jpeg
from stocktake.evaluation import reference
from stocktake.evaluation.comparison import compare
from stocktake.evaluation.decision import Rule, decide
from stocktake.report.page import choose_samples


@pytest.fixture(scope="module")
def job(artifact: Path, splits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root (/opt/ml) of an evaluation job that has run."""
    root = tmp_path_factory.mktemp("job")
    (root / "processing/input/model").mkdir(parents=True)
    (root / "output").mkdir()
    with tarfile.open(root / "processing/input/model/model.tar.gz", "w:gz") as archive:
        archive.add(artifact, arcname=".")
    run(root, splits / "test")
    return root


RULE = {"minimumAccuracy": 0, "aboveMajority": False, "margin": 0, "minimumRecall": 0}


def run(root: Path, test: Path, tuning: Path | None = None, **more: object) -> None:
    """With `more` arguments, such as champion_bins."""
    given = {"--model": root / "processing/input/model", "--test": test, "--output": root / "processing/output"}
    if tuning:
        given["--tuning"] = tuning
    options = {"--rule": json.dumps(RULE), **given, **{f"--{name.replace('_', '-')}": of for name, of in more.items()}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["evaluate.py", *(str(part) for pair in options.items() for part in pair)])
        evaluate.main()


def predictions_of(job: Path) -> list[dict[str, Any]]:
    lines = (job / "processing/output/predictions.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_every_test_image_is_predicted_once(job: Path) -> None:
    rows = predictions_of(job)
    assert sorted(row["id"] for row in rows) == [f"test{i:04}" for i in range(24)]
    assert all(row.keys() == {"id", "count", "predicted", "expected", "probabilities"} for row in rows)


def test_the_metrics_follow_from_the_predictions(job: Path) -> None:
    rows, metrics = predictions_of(job), json.loads((job / "processing/output/metrics.json").read_text())
    assert metrics["images"] == 24
    assert metrics["accuracy"] == sum(row["predicted"] == row["count"] for row in rows) / 24
    assert metrics["mae"] == pytest.approx(sum(abs(row["expected"] - row["count"]) for row in rows) / 24)
    assert sum(map(sum, metrics["confusion"])) == 24
    assert metrics["majorityAccuracy"] == pytest.approx(1 / 3)
    # the model has no temperature of its own, so nothing is before and after it
    assert metrics["calibration"]["temperature"] == 1
    for name in ("expectedError", "negativeLogLikelihood"):
        assert metrics["calibration"][name]["before"] == pytest.approx(metrics["calibration"][name]["after"])
    assert metrics["audit"]["planted"] == 1
    # no model serves yet, and little is asked of this one
    assert metrics["champion"] is None
    assert metrics["release"]["accepted"] is True


def test_the_metrics_of_a_hundred_labels_fit_what_the_state_machine_reads(
    tmp_path: Path,
) -> None:
    """Given as many labels as an execution may have, and each cell of their confusion as wide as the whole dataset."""
    labels = tuple(range(901, 1001))
    answers = [{"probabilities": torch.rand(100).tolist(), "count": count} for count in labels]
    metrics = evaluate.measure(answers, labels)
    metrics["confusion"] = [[535_000] * 100] * 100
    metrics["recall"] = {str(label): 0.3333333333333333 for label in labels}
    rows = [{"count": 901, "predicted": 902, "expected": 901.3333333333333}] * 30
    measured = evaluate.calibration(answers, labels, 1.2345678901234567)
    metrics |= {"calibration": measured, "audit": evaluate.audit_quality(answers, labels)}
    metrics["champion"] = {"comparable": True, "calibration": measured}
    metrics["champion"] |= compare(rows, rows, [f"{place:05}" for place in range(30)])
    # ... all of them below a floor
    metrics["release"] = decide(Rule(1, True, 0, 1), metrics, metrics["champion"])
    evaluate.write(tmp_path, None, [], metrics, [])  # type: ignore[arg-type]
    text = (tmp_path / "metrics.json").read_text()
    # getObject's answer has it as a text: JSON within JSON.
    assert len(json.dumps({"Body": text})) < 100_000
    assert json.loads(text) == metrics


def test_the_endpoint_answers_the_samples_with_the_probabilities_of_the_evaluation(job: Path, artifact: Path) -> None:
    # given a model in the number format that the evaluation measured
    metrics = json.loads((job / "processing/output/metrics.json").read_text())
    model, rows = model_fn(artifact, metrics["precision"]), {row["id"]: row for row in predictions_of(job)}
    samples = sorted((job / "processing/output/samples").glob("*.jpg"))
    assert len(samples) == 24
    for sample in samples:
        answer = predict_fn(input_fn(sample.read_bytes(), "image/jpeg"), model)
        assert torch.allclose(
            torch.tensor(answer["probabilities"]), torch.tensor(rows[sample.stem]["probabilities"]), atol=1e-4
        )
        assert answer["count"] == rows[sample.stem]["predicted"]


def test_the_report_shows_the_figures_and_needs_no_other_file(job: Path) -> None:
    report = (job / "processing/output/report.html").read_text()
    metrics = json.loads((job / "processing/output/metrics.json").read_text())
    for share in (metrics["accuracy"], metrics["majorityAccuracy"], *metrics["interval"]):
        assert f"{100 * share:.1f}%" in report
    assert report.count("data:image/jpeg;base64,") == 24
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#)""", report)


def test_the_reports_sections_are_kept_for_the_page_of_the_whole_execution(job: Path) -> None:
    report = (job / "processing/output/report.html").read_text()
    kept = json.loads((job / "processing/output/sections.json").read_text())
    assert list(kept) == ["accuracy", "mistakes", "calibration", "audit", "training", "rules", "samples", "recipe"]
    assert all(section in report for section in kept.values())


def test_a_failure_is_left_where_sagemaker_shows_it(job: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        run(job, tmp_path / "absent")
    assert (job / "output/message").read_text().startswith("The channel 'test' is missing.")


def test_the_report_tells_of_the_tuning_that_it_is_given(job: Path, splits: Path, tmp_path: Path) -> None:
    (tmp_path / "trials.json").write_text(json.dumps(TUNING))
    run(job, splits / "test", tmp_path)
    report = (job / "processing/output/report.html").read_text()
    assert all(trial["name"] in report for trial in TUNING["trials"])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "There is no trials.json in "),
        ('{"jobName": ', "trials.json is damaged: Expecting value"),
        ("[]", "trials.json is damaged: it lacks best, jobName, objective, ranges, strategy, trials."),
        (json.dumps({name: TUNING[name] for name in TUNING if name != "ranges"}), "it lacks ranges."),
    ],
)
def test_missing_or_damaged_trials_are_named(
    content: str | None, said: str, job: Path, splits: Path, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "trials.json").write_text(content)
    with pytest.raises(SystemExit):
        run(job, splits / "test", tmp_path)
    message = (job / "output/message").read_text()
    assert said in message
    assert "leave out --tuning" in message


def test_a_missing_model_is_named(job: Path, splits: Path) -> None:
    (job / "processing/input/model/model.tar.gz").rename(job / "elsewhere")
    with pytest.raises(SystemExit):
        run(job, splits / "test")
    assert "no model.tar.gz" in (job / "output/message").read_text()
    (job / "elsewhere").rename(job / "processing/input/model/model.tar.gz")


def test_samples_are_wrong_and_right_ones_by_turns_whatever_the_order() -> None:
    rows = [{"id": str(i), "count": 1, "predicted": 2 if i % 10 == 0 else 1} for i in range(200)]
    chosen = [rows[i] for i in choose_samples(rows, 60)]
    backwards = rows[::-1]
    assert len({row["id"] for row in chosen}) == 60
    assert sum(row["predicted"] == 2 for row in chosen) == 20
    assert [row["predicted"] for row in chosen[:4]] == [2, 1, 2, 1]
    assert chosen == [backwards[i] for i in choose_samples(backwards, 60)]


def test_what_live_photos_are_compared_with_is_kept_a_row_an_image(job: Path) -> None:
    rows, found = predictions_of(job), json.loads((job / "processing/output/reference.json").read_text())
    assert [row["count"] for row in found] == [row["predicted"] for row in rows]
    assert [row["confidence"] for row in found] == pytest.approx([max(row["probabilities"]) for row in rows], abs=1e-5)
    assert [row["expected"] for row in found] == pytest.approx([row["expected"] for row in rows], abs=1e-5)
    assert all(0 < row["brightness"] < 255 and row["pixels"] > 0 for row in found)


def test_of_many_test_bins_the_reference_takes_some_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "BINS", 4)
    photo = jpeg(Image.new("RGB", (32, 32)), quality=75)
    predictions = [{"predicted": index, "expected": 1.0, "probabilities": [1.0]} for index in range(10)]
    rows = reference.reference(predictions, lambda _: photo)
    assert [row["count"] for row in rows] == [0, 2, 5, 7]
