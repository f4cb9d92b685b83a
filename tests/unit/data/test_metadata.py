import json

import pytest
from bin_source import metadata
from hypothesis import given
from hypothesis import strategies as st

from bins.metadata import Metadata, parse

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["BIN_FCSKU_DATA", "EXPECTED_QUANTITY"]) | st.text(), inner)
    ),
)


@given(st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_file_at_all_is_read_or_called_unreadable(content: bytes) -> None:
    found = parse(content)
    assert found.quantity is None or (type(found.quantity) is int and found.quantity >= 0)
    assert all(isinstance(sku, str) for sku in found.skus)


@pytest.mark.parametrize("count", ["3", 3.0, None, True, -1, [3], 10**30])
def test_a_count_that_is_none_leaves_the_links(count: object) -> None:
    assert parse(metadata(["a"], count)) == Metadata(None, frozenset("a"))


def test_deep_nesting_is_unreadable() -> None:
    assert parse(b"[" * 100_000).quantity is None
