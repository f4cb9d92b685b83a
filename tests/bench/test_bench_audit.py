"""Planted records and the measure of an audit that ranked them."""

import csv
import json
from pathlib import Path

import pytest

from bench import audit


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A hundred bins with 1 to 5 items, and one with 9."""
    for folder in ("bin-images", "metadata"):
        (tmp_path / "source" / folder).mkdir(parents=True)
    for number in range(101):
        record = {"BIN_FCSKU_DATA": {}, "EXPECTED_QUANTITY": number % 5 + 1 if number < 100 else 9}
        (tmp_path / f"source/metadata/{number:05}.json").write_text(json.dumps(record))
        (tmp_path / f"source/bin-images/{number:05}.jpg").write_bytes(b"photo")
    return tmp_path / "source"


def records(folder: Path) -> dict[str, int]:
    return {
        file.stem: json.loads(file.read_text())["EXPECTED_QUANTITY"] for file in sorted((folder / "metadata").iterdir())
    }


def test_the_share_that_was_asked_for_is_wrong_in_the_copy_and_nothing_else(source: Path, tmp_path: Path) -> None:
    audit.plant(source, tmp_path / "copy", 0.1, seed=1)
    before, after = records(source), records(tmp_path / "copy")
    changed = {name: before[name] for name in before if before[name] != after[name]}
    assert len(changed) == 10
    assert json.loads((tmp_path / "copy/planted.json").read_text()) == changed
    assert all(after[name] in range(1, 6) for name in changed)
    assert len(list((tmp_path / "copy/bin-images").iterdir())) == 101


def test_an_audit_that_doubts_the_planted_records_most_finds_them_all(tmp_path: Path) -> None:
    # given a table in which two of a hundred are planted, one off by one and one by more, and one was learned from
    labels = [f"probability_{label}" for label in range(1, 6)]
    with (tmp_path / "audit.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, ["id", "outcome", "split", "recorded", *labels])
        table.writeheader()
        for number in range(100):
            sure = 0.01 if number < 2 else 0.9
            shares = dict.fromkeys(labels, (1 - sure) / 4) | {"probability_3": sure}
            table.writerow({"id": str(number), "outcome": "scored", "split": "test", "recorded": 3} | shares)
        table.writerow({"id": "learned", "outcome": "scored", "split": "train", "recorded": 3} | shares)
    # when
    found = audit.score(tmp_path / "audit.csv", {"0": 2, "1": 5, "learned": 1})
    # then
    assert (found["bins"], found["planted"]) == (100, 2)
    assert found["errorRate"]["planted"] == 0.02
    low, high = found["errorRate"]["interval"]
    assert low < 0.02 < high
    assert found["found"]["all"]["areaUnderCurve"]["estimate"] == 1
    assert found["found"]["all"]["precisionAtTop1%"]["estimate"] == 1
    assert found["found"]["byOne"]["chance"] == pytest.approx(1 / 99)
