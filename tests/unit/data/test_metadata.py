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


@given(st.integers(0, 99), st.lists(st.integers(-3, 99), max_size=4))
def test_a_count_that_is_not_the_sum_of_its_items_is_a_wrong_label(count: int, quantities: list[int]) -> None:
    items = {str(place): {"quantity": quantity} for place, quantity in enumerate(quantities)}
    found = parse(json.dumps({"BIN_FCSKU_DATA": items, "EXPECTED_QUANTITY": count}).encode())
    assert (found.quantity, found.wrong_label) == (count, sum(quantities) != count)


@pytest.mark.parametrize("item", [{}, {"quantity": None}, {"quantity": "2"}, {"quantity": True}, None, [2]])
def test_a_label_is_not_wrong_for_items_that_do_not_say_how_many_they_are(item: object) -> None:
    content = json.dumps({"BIN_FCSKU_DATA": {"a": item, "b": {"quantity": 9}}, "EXPECTED_QUANTITY": 3})
    assert parse(content.encode()) == Metadata(3, frozenset("ab"), wrong_label=False)


def test_deep_nesting_is_unreadable() -> None:
    assert parse(b"[" * 100_000).quantity is None
