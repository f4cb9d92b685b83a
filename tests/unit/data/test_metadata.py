import json
import math
from typing import Any

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
    assert all(total is None or 0 < total < math.inf for total in (found.volume, found.weight))


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


def item(quantity: object = 1, **measures: object) -> dict[str, Any]:
    """An item of 2 x 3 x 4 inches and half a pound, but for what is given."""
    inches = {name: {"unit": "IN", "value": value} for name, value in (("height", 2), ("length", 3.0), ("width", 4.0))}
    return {"quantity": quantity, **inches, "weight": {"unit": "pounds", "value": 0.5}} | measures


def totals(*items: dict[str, Any]) -> tuple[float | None, float | None]:
    found = parse(json.dumps({"BIN_FCSKU_DATA": dict(enumerate(items)), "EXPECTED_QUANTITY": 1}).encode())
    return found.volume, found.weight


def test_volume_and_weight_are_of_all_items_together() -> None:
    small = {"unit": "IN", "value": 0.1}
    assert totals(item(), item(2, height=small, weight={"unit": "pounds", "value": 1.25})) == (24 + 2.4, 3.0)
    assert totals(item(0), item()) == (24.0, 0.5)


UNKNOWN = [
    None,
    3.5,
    {},
    {"unit": "IN", "value": None},
    {"unit": "IN", "value": "3"},
    {"unit": "IN", "value": True},
    {"unit": "IN", "value": 0},
    {"unit": "IN", "value": -3.5},
    {"unit": "IN", "value": float("nan")},
    {"unit": "IN", "value": float("inf")},
    {"unit": "IN", "value": 10**400},
    {"unit": "CM", "value": 3.5},
    {"unit": ["IN"], "value": 3.5},
    {"value": 3.5},
]


@pytest.mark.parametrize("length", UNKNOWN, ids=str)
def test_a_length_that_is_not_known_leaves_the_weight(length: object) -> None:
    assert totals(item(), item(length=length)) == (None, 1.0)


@pytest.mark.parametrize("weight", [*UNKNOWN, {"unit": "IN", "value": 1.0}, {"unit": "kg", "value": 1.0}], ids=str)
def test_a_weight_that_is_not_known_leaves_the_volume(weight: object) -> None:
    assert totals(item(), item(weight=weight)) == (48.0, None)


@pytest.mark.parametrize("quantity", [None, "2", True, 1.0, -1, 10**30])
def test_no_total_is_known_of_items_that_do_not_say_how_many_they_are(quantity: object) -> None:
    assert totals(item(), item(quantity)) == (None, None)


def test_totals_are_positive_or_unknown() -> None:
    # Nothing there; and products that no float can hold.
    assert totals() == totals(item(0)) == (None, None)
    huge, tiny = ({"unit": "IN", "value": value} for value in (1e300, 1e-300))
    assert totals(item(height=huge, length=huge))[0] is totals(item(height=tiny, length=tiny))[0] is None


def test_deep_nesting_is_unreadable() -> None:
    assert parse(b"[" * 100_000).quantity is None
