import re
from typing import Any

import pytest
from conftest import HISTORY, TRAINING
from synthetic_shards import LABELS, draw_bin
from synthetic_tuning import TUNING

from stocktake.evaluation.comparison import compare
from stocktake.evaluation.decision import Rule, decide
from stocktake.model.artifact import ModelDescription
from stocktake.model.preprocessing import Preprocessing
from stocktake.report.page import render, sections

METRICS = {
    "accuracy": 0.4,
    "interval": [0.35, 0.45],
    "withinOne": 0.8,
    "mae": 0.7,
    "rmse": 0.9,
    "recall": {"1": 0.5, "2": 0.4, "3": None},
    "confusion": [[5, 3, 2], [3, 4, 3], [0, 0, 0]],
    "images": 20,
    "majorityAccuracy": 0.3,
    "champion": None,
    "calibration": {
        "temperature": 1.375,
        "expectedError": {"before": 0.2468, "after": 0.0321},
        "negativeLogLikelihood": {"before": 1.5555, "after": 1.25},
    },
    "audit": {
        "plantings": 100,
        "planted": 1,
        "chance": 0.05,
        "perfect": {"1%": 1.0, "5%": 1.0, "10%": 0.5},
        "byOne": {
            "precision": {share: {"mean": 0.21, "interval": [0.1, 0.3]} for share in ("1%", "5%", "10%")},
            "areaUnderCurve": {"mean": 0.7, "interval": [0.65, 0.75]},
        },
        "byTwoOrMore": None,
    },
}
METRICS |= {"release": decide(Rule(0.3, True, 0, 0), METRICS, None)}
PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/stocktake/1"
UNSEEN = "that neither training nor the choice of the model has seen"
EARLIER = {
    name: TRAINING[name] for name in TRAINING if name not in ("utilisation", "rules", "ruleFindings", "world", "recipe")
}


def page(
    training: dict[str, Any] = TRAINING, tuning: dict[str, Any] | None = None, metrics: dict[str, Any] = METRICS
) -> str:
    predicted = {"id": "00001", "count": 1, "predicted": 2, "expected": 1.6, "probabilities": [0.4, 0.5, 0.1]}
    description = ModelDescription("resnet18", LABELS, Preprocessing(32), training)
    return render(metrics, sections(description, metrics, [(predicted, draw_bin(2, seed=1))], tuning))


def headings(report: str) -> list[str]:
    return re.findall(r"<h2>(.*?)</h2>", report)


def rows(report: str) -> dict[str, str]:
    """The text of each table row by its first cell."""
    cells = [
        [re.sub(r"<[^>]*>", "", cell).strip() for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)]
        for row in re.findall(r"<tr[^>]*>(.*?)</tr>", report, re.DOTALL)
    ]
    return {first: " | ".join(rest) for first, *rest in cells}


def test_the_sections_come_in_the_order_in_which_they_are_asked_for() -> None:
    counts = ["What was counted as what", "Recall of each count"]
    sure = ["How sure the model is", "What an audit with this model would find"]
    assert headings(page(tuning=TUNING)) == [
        *counts,
        *sure,
        "Training",
        "Rules",
        "Tuning",
        "Counted wrong",
        "The recipe",
    ]


def test_a_plot_for_each_thing_that_was_measured() -> None:
    drawn = re.findall(r'aria-label="([^"]*)"><svg', page(tuning=TUNING))
    training = ["loss by epoch", "accuracy by epoch", "utilisation over time"]
    assert drawn == [*training, "objective by trial", "what each trial tried and reached"]


def test_no_id_occurs_twice() -> None:
    ids = re.findall(r' id="([^"]*)"', page(tuning=TUNING))
    assert ids
    assert len(ids) == len(set(ids))


def test_each_rule_says_what_it_found_and_why() -> None:
    table = rows(page())
    assert table["vanishing gradient"] == "no issue"
    assert table["overfit"] == "issue The validation loss rose above the training loss in epoch 2."
    assert table["low gpu utilization"] == "not evaluated"


def test_a_model_trained_by_an_earlier_version_has_its_report() -> None:
    report = page(EARLIER)
    assert "Rules" not in headings(report)
    assert "utilisation" not in report
    assert "processes" not in rows(report)
    assert "loss by epoch" in report


@pytest.mark.parametrize("utilisation", [None, {"seconds": [], "cpu": [], "memory": [], "gpu": None}])
def test_without_samples_there_is_no_plot_of_the_utilisation(utilisation: dict[str, Any] | None) -> None:
    assert "utilisation over time" not in page(TRAINING | {"utilisation": utilisation})


def test_one_epoch_is_shown() -> None:
    assert "Epoch 1 was kept" in page(TRAINING | {"history": HISTORY[:1], "best": HISTORY[0]})


def test_the_tuning_shows_ranges_the_best_values_and_every_trial() -> None:
    table = rows(page(tuning=TUNING))
    assert "Bayesian search by job stocktake-tune: 6 trials" in page(tuning=TUNING)
    assert table["learning rate"] == "1e-5 to 0.01 | 0.001"
    assert table["batch size"] == "32, 64, 128, 256 | 128"
    assert table["validation accuracy"] == " | 40.0%"
    assert table["3"] == "Failed | 0.01 | 64 | 15 | none | 103 | tune-003"
    assert table["5"] == "Completed | 0.001 | 128 | 14 | 40.0% | 105 | tune-005"
    assert page(tuning=TUNING).count('class="best"><td>5</td>') == 1


def test_a_tuning_without_any_good_trial_is_shown() -> None:
    failed = [trial | {"objective": None, "status": "Failed"} for trial in TUNING["trials"]]
    table = rows(page(tuning=TUNING | {"trials": failed, "best": None}))
    assert table["learning rate"] == "1e-5 to 0.01 | none"


def test_a_choice_by_the_test_images_is_said_to_be_optimistic_beside_the_accuracy() -> None:
    report = page(tuning=TUNING | {"objective": "test:accuracy"})
    assert "This estimate is optimistic." in report[: report.index("<h2>")]
    assert UNSEEN not in report


@pytest.mark.parametrize("tuning", [None, TUNING])
def test_a_choice_by_the_validation_images_is_not(tuning: dict[str, Any] | None) -> None:
    report = page(tuning=tuning)
    assert "optimistic" not in report
    assert UNSEEN in report


def test_calibration_and_audit_are_told() -> None:
    table = rows(page())
    assert table["temperature"] == "1.00 | 1.38"
    assert table["expected calibration error"] == "24.7% | 3.2%"
    assert table["negative log likelihood, nats"] == "1.556 | 1.250"
    assert table["wrong among the top 10%"] == "21.0% (10.0% to 30.0%) | not measured | 5.0% | 50.0%"
    assert table["area under the ROC curve"] == "0.700 (0.650 to 0.750) | not measured | 0.500 | 1.000"


def test_an_epoch_that_nobody_chose_is_called_the_last_one() -> None:
    assert "Epoch 3 was kept, the best on validation images" in page()
    assert "Epoch 3 was kept, the last one" in page(TRAINING | {"recipe": {"keep": "last"}})


def test_the_recipe_names_every_ingredient_that_there_is() -> None:
    table = rows(page())
    assert (table["average"], table["every count"]) == ("0.998", "True")
    without = rows(page(TRAINING | {"recipe": {"keep": "last", "average": None}}))
    assert "average" not in without


def test_the_recipe_names_every_hyperparameter_and_the_processes() -> None:
    table = rows(page())
    assert (table["loss"], table["lr"], table["labels"], table["processes"]) == ("ordinal", "0.001", "1, 2, 3", "2")


def test_names_are_text_and_not_markup() -> None:
    evil = "<script>alert(1)</script>"
    trials = [TUNING["trials"][0] | {"name": evil, "status": evil}]
    training = TRAINING | {"job": evil, "rules": {evil: evil}, "ruleFindings": {evil: evil}}
    tuning = TUNING | {"jobName": evil, "strategy": evil, "objective": f"{evil}:accuracy", "trials": trials}
    report = page(training, tuning)
    assert "<script" not in report
    assert report.count("&lt;script&gt;") > 8


def against(champion: dict[str, Any], margin: float = 0) -> str:
    """The page of a model that was evaluated beside a champion."""
    found = METRICS | {"champion": {"packageArn": PACKAGE, "reason": None, "leftOut": None} | champion}
    return page(metrics=found | {"release": decide(Rule(0.3, True, margin, 0), found, found["champion"])})


def test_a_comparison_shows_both_models_their_difference_and_what_was_left_out() -> None:
    # given forty images in pairs, of which this model counts ten fewer exactly, by one item
    right = [{"count": 2, "predicted": 2, "expected": 2.0}] * 40
    wrong = [{"count": 2, "predicted": 3, "expected": 3.0}] * 10 + right[10:]
    compared = compare(wrong, right, [f"g{i // 2}" for i in range(40)])
    # when
    calibration = METRICS["calibration"] | {"temperature": 0.5}
    report = against({"comparable": True, "leftOut": 7, "calibration": calibration} | compared)
    # then
    assert "Champion and challenger" in headings(report)
    table = rows(report)
    assert table["counted exactly"].startswith("100.0% | 75.0% | -25.0 points | -")
    assert table["RMSE, items"].startswith("0.000 | 0.500 | +0.500 | +0.")
    assert table["exact where the other is not"].startswith("10 | 0 |  | p = 0.00195")
    assert "On the same 40 images of 20 groups" in report
    assert "7 of 20 test images are left out for both" in report
    assert table["temperature"] == "1.00 | 1.38 | 1.00 | 0.50"
    assert table["expected calibration error"] == "24.7% | 3.2% | 24.7% | 3.2%"
    assert "The champion's figures are of the 40 images" in report
    assert PACKAGE in report


def test_the_verdict_stands_with_its_checks_beside_the_accuracy() -> None:
    accepted, rejected = page(), against({"comparable": False, "reason": "it counts otherwise"})
    assert "Good enough." in accepted[: accepted.index("<h2>")]
    assert accepted.count('<li class="passed">') == 2
    assert "Rejected." in rejected[: rejected.index("<h2>")]
    assert rejected.count('<li class="failed">the champion cannot be compared with: it counts otherwise; ') == 1


def test_why_there_is_no_comparison_is_told() -> None:
    assert "Champion and challenger" not in headings(page())
    report = against({"comparable": False, "reason": "it <counts> otherwise"}, margin=1)
    assert "<b>No comparison with the champion:</b> it &lt;counts&gt; otherwise." in report
    assert "counted exactly" not in rows(report)
