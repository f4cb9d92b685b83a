"""What is told of an execution at its end."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from rich.console import Console

from console.views.execution import Outcome
from console.views.result import figures_of, tell

OUTPUT: dict[str, Any] = {
    "dataset": {"counts": {"train": {"1": 60, "2": 40}, "test": {"1": 10}}},
    "comparison": None,
    "tuning": None,
    "training": {
        "architecture": "resnet50",
        "spot": False,
        "trainingSeconds": 90,
        "billableSeconds": 60,
        "savingsPercent": 33.3,
        "rules": {"overfit": "NoIssuesFound", "vanishing_gradient": "NotEvaluated"},
    },
    "evaluation": {"accuracy": 0.31, "interval": [0.27, 0.35], "withinOne": 0.7, "champion": None},
    "decision": "deployed",
    "reason": "it is good enough",
    "cost": {"trainingSeconds": 90},
}


def told(**changes: Any) -> dict[str, str]:
    """The rows by their names."""
    console = Console(file=io.StringIO(), width=200)
    output = OUTPUT | changes
    tell(Outcome("SUCCEEDED", {}, output=output), figures_of(output, "s3://data/report.html"), console)
    assert isinstance(console.file, io.StringIO)
    rows = [line.partition("  ") for line in console.file.getvalue().splitlines()]
    return {name.strip(): value.strip() for name, separator, value in rows if separator}


def test_a_plain_training_tells_its_measurements_only() -> None:
    rows = told()

    assert rows["images"] == "train 100, test 10"
    assert rows["accuracy"].startswith("0.310")
    assert (rows["decision"], rows["reason"]) == ("deployed", "it is good enough")
    assert not rows.keys() & {"architecture", "tuning", "issues found", "spot savings", "champion", "cost"}


def test_the_comparison_with_the_champion_is_told_or_why_there_is_none() -> None:
    compared = {
        "comparable": True,
        "images": 140,
        "challenger": {"accuracy": 0.31},
        "champion": {"accuracy": 0.35},
        "difference": {"accuracy": {"estimate": -0.04, "interval": [-0.12, 0.03]}},
    }
    rows = told(evaluation=OUTPUT["evaluation"] | {"champion": compared})
    assert rows["champion"] == (
        "accuracy 0.350 on 140 images where this one has 0.310: -0.040  (95 % interval -0.120 to +0.030)"
    )
    unknown = {"comparable": False, "reason": "it counts otherwise"}
    rows = told(evaluation=OUTPUT["evaluation"] | {"champion": unknown})
    assert rows["champion"] == "not compared with: it counts otherwise"


def test_the_choice_of_architecture_the_search_the_rules_and_the_savings_are_told() -> None:
    # given an execution that compared, tuned, and trained on spot capacity with a finding
    comparison = [
        {"architecture": "resnet50", "validationAccuracy": 0.34},
        {"architecture": "resnet18", "validationAccuracy": 0.29},
    ]
    tuning = {
        "trials": 10,
        "objectiveMetric": "test:accuracy",
        "objective": 0.3612,
        "bestHyperparameters": {"learningRate": 0.00123456, "batchSize": 64, "epochs": 12},
        "selectedOnTest": True,
    }
    rules = {"overfit": "IssuesFound", "vanishing_gradient": "NoIssuesFound", "overtraining": "Error"}
    training = OUTPUT["training"] | {"spot": True, "rules": rules}

    rows = told(comparison=comparison, tuning=tuning, training=training)

    assert rows["architecture"] == "resnet50, by validation accuracy (resnet50 0.340, resnet18 0.290)"
    assert rows["tuning"].startswith("10 trials, best test:accuracy 0.361 at learning rate 0.00123, batch size 64, 12 ")
    assert rows["tuning"].endswith("which flatters the accuracy above: it was chosen on the test split")
    assert rows["issues found"] == "overfit"
    assert rows["spot savings"].startswith("33.3 %")


def test_a_package_that_was_promoted_tells_its_evaluation_without_data_or_training() -> None:
    rows = told(
        dataset=None,
        training=None,
        reason="release.package: arn:a/[package]",
        cost={"usd": 1234.5, "onDemandUsd": 2000},
    )
    assert rows["accuracy"].startswith("0.310")
    assert rows["reason"] == "release.package: arn:a/[package]"
    assert (rows["report"], rows["cost"]) == ("s3://data/report.html", "1,234.50 USD, 2,000.00 USD on demand")
    assert "images" not in rows
    assert told(cost={"usd": None, "reason": "no price"})["cost"] == "unknown"
    missing = {"usd": None, "unknown": ["ml.c5.xlarge for processing"]}
    assert told(cost=missing)["cost"] == "unknown, as no price is known of ml.c5.xlarge for processing"


@pytest.mark.parametrize("terminal", [False, True])
def test_no_character_of_an_address_is_lost_where_lines_are_short(terminal: bool) -> None:
    address = f"s3://{'data-' * 12}/reports/{'0' * 30}/index.html"
    console = Console(file=io.StringIO(), width=40, force_terminal=terminal, color_system=None)
    tell(Outcome("SUCCEEDED", {}, output=OUTPUT), [("decision", "deployed"), ("report", address)], console)
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    # A terminal's lines are folded, a pipe's are whole.
    assert address in (re.sub(r"\s+", "", shown) if terminal else shown)
