import pytest
from hypothesis import given
from hypothesis import strategies as st

import binids

numbers = st.integers(min_value=0, max_value=2_000_000)
names = st.one_of(numbers.map(lambda n: f"{n:05d}"), st.integers(0, 9999).map(str))


@given(names)
def test_every_name_has_its_own_position(name: str) -> None:
    assert binids.is_name(name)
    assert binids.name(binids.position(name)) == name
    assert binids.exists(binids.position(name))


@given(names, names)
def test_consecutive_means_the_same_sequence_and_one_more(one: str, two: str) -> None:
    consecutive = binids.position(two) - binids.position(one) == 1
    assert consecutive == ((len(one) < 5) == (len(two) < 5) and int(two) - int(one) == 1)


@given(names, names)
def test_a_block_holds_one_sequence(one: str, two: str) -> None:
    if binids.block(binids.position(one)) == binids.block(binids.position(two)):
        assert (len(one) < 5) == (len(two) < 5)


def test_padded_and_unpadded_names_are_different_bins() -> None:
    assert binids.position("1") != binids.position("00001")
    assert binids.name(binids.position("99999") + 1) == "100000"


@pytest.mark.parametrize("text", ["", "01", "0001", "-1", "1.5", "12a", "a", "000001", "٣", "00001.jpg", " 1"])
def test_other_keys_are_no_bins(text: str) -> None:
    assert not binids.is_name(text)
