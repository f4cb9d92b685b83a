"""The audit's table as Parquet: the same rows as the CSV, with types that Athena and data frames can use."""

import csv
import io
import math

import pyarrow
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from stocktake.audit.findings import Finding, Ranking, written
from stocktake.audit.parquet import parquet_of

LABELS = (1, 2, 3)
SCORED = Finding("00001", "scored", "train", 2, 3, 0.9, probabilities=(0.1, 0.1, 0.8))
NUMBERS = {"rank", "recorded", "counted", "wrong", *(f"probability_{label}" for label in LABELS)}


def table_of(*findings: Finding) -> bytes:
    return Ranking([written(findings, LABELS)]).table()


def test_a_bins_name_stays_text_and_what_is_not_known_is_null() -> None:
    missing = Finding("00002", "no-photo", recorded=2, reason='There is no "photo",\nor so it seems.')
    # when
    table = parquet.read_table(io.BytesIO(parquet_of(table_of(SCORED, missing))))
    # then
    first, second = table.to_pylist()
    assert (first["id"], first["rank"], first["recorded"], first["counted"]) == ("00001", 1, 2, 3)
    assert (second["id"], second["reason"]) == ("00002", missing.reason)
    assert {name for name, value in second.items() if value is None} == NUMBERS - {"recorded"} | {"split"}


def test_columns_have_their_types_even_where_no_bin_has_a_value() -> None:
    empty = parquet.read_schema(io.BytesIO(parquet_of(table_of(Finding("7", "no-record")))))
    full = parquet.read_schema(io.BytesIO(parquet_of(table_of(SCORED))))
    assert empty == full
    assert full.field("recorded").type == pyarrow.int32()
    assert full.field("wrong").type == full.field("probability_3").type == pyarrow.float64()
    assert full.field("id").type == pyarrow.string()


@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            Finding,
            id=st.from_regex(r"\A\w{1,8}\Z"),
            outcome=st.just("scored"),
            split=st.sampled_from(["", "train"]),
            recorded=st.sampled_from(LABELS),
            counted=st.sampled_from(LABELS),
            doubt=st.floats(0, 1),
            reason=st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=12),
            probabilities=st.just((0.2, 0.3, 0.5)),
        ),
        min_size=1,
        max_size=5,
        unique_by=lambda finding: finding.id,
    )
)
def test_it_holds_what_the_csv_holds(findings: list[Finding]) -> None:
    content = table_of(*findings)
    # when
    found = parquet.read_table(io.BytesIO(parquet_of(content))).to_pylist()
    # then
    expected = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    assert [row["id"] for row in found] == [row["id"] for row in expected]
    for row, of in zip(found, expected, strict=True):
        assert {name: row[name] or "" for name in ("split", "reason", "outcome")} == {
            name: of[name] for name in ("split", "reason", "outcome")
        }
        assert all(math.isclose(row[name], float(of[name])) for name in NUMBERS)
