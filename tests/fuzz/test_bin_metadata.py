"""The metadata file of a bin, as whoever fills the bucket writes it."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bins.metadata import parse
from tests.fuzz.examples import fuzzed
from tests.fuzz.json_values import anything
from tests.fuzz.mutations import mutated

ITEM = {
    "asin": "B00X",
    "name": "Kekse für den Bären",
    "quantity": 2,
    "height": {"unit": "IN", "value": 3.5},
    "length": {"unit": "IN", "value": 7},
    "width": {"unit": "IN", "value": 0.25},
    "weight": {"unit": "pounds", "value": 1.5},
}
FILES = [
    json.dumps({"BIN_FCSKU_DATA": {"B00X": ITEM, "B00Y": ITEM}, "EXPECTED_QUANTITY": 4}, indent=indent).encode()
    for indent in (None, 4)
]
PIECES = [
    b"{",
    b"}",
    b"[" * 3000,
    b'"',
    b"null",
    b"NaN",
    b"1e999",
    b"9" * 5000,
    b"\\ud800",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b'"quantity": -1',
]


@st.composite
def files(draw: st.DrawFn) -> bytes:
    items = draw(anything | st.dictionaries(st.text(max_size=6), anything, max_size=3))
    value = {"BIN_FCSKU_DATA": items, "EXPECTED_QUANTITY": draw(anything | st.integers(-1, 1000))}
    return json.dumps(value, ensure_ascii=draw(st.booleans())).encode(
        draw(st.sampled_from(["utf-8", "utf-16", "utf-32"])), "surrogatepass"
    )


@fuzzed(200)
@given(files() | mutated(FILES, pieces=PIECES) | st.binary(max_size=60))
def test_any_file_is_read_or_called_unreadable(content: bytes) -> None:
    found = parse(content)
    assert found.quantity is None or (type(found.quantity) is int and 0 <= found.quantity < 1_000_000)
    # The catalogue keeps its record as JSON, and links bins by what it reads there.
    record: Any = json.loads(json.dumps({"count": found.quantity, "skus": sorted(found.skus)}).encode())
    assert set(record["skus"]) == found.skus
