"""The pages that jobs write in headless Chromium: on a phone and a desk, in light and dark, for everybody."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from synthetic_shards import draw_bin
from synthetic_tuning import TUNING
from test_report import METRICS, page

from stocktake.audit.findings import Finding, Ranking, written
from stocktake.evaluation.comparison import compare
from stocktake.model.artifact import ModelDescription
from stocktake.model.preprocessing import Preprocessing
from stocktake.report import audit_page
from tests.browser import Browser, check_page, running_browser

LABELS = (1, 2, 3)
DEVICES = pytest.mark.parametrize(("width", "dark"), [(375, False), (1280, True)], ids=["phone", "dark"])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as browser:
        yield browser


@DEVICES
def test_an_evaluation_with_a_champion_and_a_tuning(browser: Browser, tmp_path: Path, width: int, dark: bool) -> None:
    right = [{"count": 2, "predicted": 2, "expected": 2.0}] * 40
    wrong = [{"count": 2, "predicted": 3, "expected": 3.0}] * 10 + right[10:]
    champion = {"packageArn": "arn:aws:sagemaker:us-east-1:123456789012:model-package/stocktake/1", "reason": None}
    champion |= {"comparable": True, "leftOut": 7, "calibration": METRICS["calibration"]}
    champion |= compare(wrong, right, [f"g{number // 2}" for number in range(40)])
    check_page(browser, page(tuning=TUNING, metrics=METRICS | {"champion": champion}), tmp_path, width=width, dark=dark)


@DEVICES
def test_an_audit(browser: Browser, tmp_path: Path, width: int, dark: bool) -> None:
    findings = [
        Finding(f"{number:05}", "scored", "train" if number % 2 else "", 2, 3, 0.9 - number / 100, "", (0.1, 0.2, 0.7))
        for number in range(60)
    ]
    findings += [Finding("00060", "above", "", 9, 3, probabilities=(0.1, 0.2, 0.7)), Finding("00061", "no-photo")]
    ranking = Ranking([written(findings, LABELS)])
    photos = {finding.id: draw_bin(2, seed=1) for finding in findings[: audit_page.PICTURES]}
    description = ModelDescription("resnet18", LABELS, Preprocessing(32), {})
    shown = audit_page.render(description, ranking.summary(), ranking.top(audit_page.SHOWN), photos)
    check_page(browser, shown, tmp_path, width=width, dark=dark)
