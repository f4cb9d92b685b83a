"""An audit of the kept rehearsal's own bins, as a person starts it, with the model that serves."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from tests.rehearsal.end_to_end.kept_rehearsal import Kept

PATIENCE = 300


@pytest.fixture(scope="module")
def audited(kept: Kept) -> dict[str, Any]:
    """What the command answers of an audit on two instances."""
    said, wrong = kept.console("audit", "--set", "instanceCount=2", "--yes", "--follow", "--json").communicate(
        timeout=PATIENCE
    )
    assert said, wrong
    answered: dict[str, Any] = json.loads(said)
    return answered


def result(kept: Kept, audited: dict[str, Any], kind: str) -> bytes:
    bucket, _, key = audited["output"]["tableUri"].removeprefix("s3://").partition("/")
    content: bytes = kept.client("s3").get_object(Bucket=bucket, Key=key.removesuffix("csv") + kind)["Body"].read()
    return content


def table(kept: Kept, audited: dict[str, Any]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(result(kept, audited, "csv").decode(), newline="")))


def test_every_bin_of_the_source_is_counted_once_with_the_live_model(kept: Kept, audited: dict[str, Any]) -> None:
    assert audited["status"] == "SUCCEEDED", audited
    output, rows = audited["output"], table(kept, audited)
    named = {file.stem for folder in ("metadata", "bin-images") for file in Path(kept.source, folder).iterdir()}
    assert sorted(row["id"] for row in rows) == sorted(named)
    assert output["summary"]["bins"] == len(rows)
    assert output["model"]["packageArn"] == kept.ask(kept.photo())["model"]
    # and those that the model learned from are told
    assert {row["split"] for row in rows} == {"train", "valid", ""}
    assert 0 < output["summary"]["errorRate"]["bins"] < output["summary"]["outcomes"]["scored"]
    assert output["cost"]["usd"] > 0
    # and Athena gets the same
    typed = parquet.read_table(io.BytesIO(result(kept, audited, "parquet"))).to_pylist()
    assert [row["id"] for row in typed] == [row["id"] for row in rows]


def test_it_counts_as_the_endpoint_does(kept: Kept, audited: dict[str, Any]) -> None:
    row = next(row for row in table(kept, audited) if row["outcome"] == "scored")
    answer = kept.ask(Path(kept.source, "bin-images", f"{row['id']}.jpg").read_bytes())
    assert int(row["counted"]) == answer["count"]
    shares = [float(row[f"probability_{label}"]) for label in answer["labels"]]
    assert shares == pytest.approx(answer["probabilities"], abs=1e-4)


def test_the_same_audit_again_is_told_and_costs_nothing(kept: Kept, audited: dict[str, Any]) -> None:
    # when the same is asked for, on one instance
    said, _ = kept.console("audit", "--yes", "--follow").communicate(timeout=PATIENCE)
    # then no job runs, and the result is the same
    assert f"page            {audited['output']['pageUri']}" in said
    assert "Plan audit done" in said
    assert "Count bins" not in said
    assert "0.00 USD" in said


def test_the_newest_is_shown(kept: Kept, audited: dict[str, Any]) -> None:
    said, _ = kept.console("audit", "--show", "--json").communicate(timeout=PATIENCE)
    shown = json.loads(said)
    assert shown["output"]["summary"] == audited["output"]["summary"]


def test_a_wrong_input_is_refused_before_anything_starts(kept: Kept) -> None:
    _, said = kept.console("audit", "--set", "instanceCount=0").communicate(timeout=PATIENCE)
    assert "instanceCount: 0 was given; must be an integer from 1 to 100" in said
