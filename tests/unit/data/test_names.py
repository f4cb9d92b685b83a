import pytest
from hypothesis import given
from hypothesis import strategies as st

from bins import names

numbers = st.integers(min_value=0, max_value=2_000_000)
bin_names = st.one_of(numbers.map(lambda n: f"{n:05d}"), st.integers(0, 9999).map(str))


@given(bin_names)
def test_every_name_has_its_own_position(name: str) -> None:
    assert names.is_name(name)
    assert names.name(names.position(name)) == name
    assert names.exists(names.position(name))


@given(bin_names, bin_names)
def test_consecutive_means_the_same_sequence_and_one_more(one: str, two: str) -> None:
    consecutive = names.position(two) - names.position(one) == 1
    assert consecutive == ((len(one) < 5) == (len(two) < 5) and int(two) - int(one) == 1)


@given(bin_names, bin_names)
def test_a_block_holds_one_sequence(one: str, two: str) -> None:
    if names.block(names.position(one)) == names.block(names.position(two)):
        assert (len(one) < 5) == (len(two) < 5)


def test_padded_and_unpadded_names_are_different_bins() -> None:
    assert names.position("1") != names.position("00001")
    assert names.name(names.position("99999") + 1) == "100000"


@pytest.mark.parametrize("text", ["", "01", "0001", "-1", "1.5", "12a", "a", "000001", "٣", "00001.jpg", " 1"])
def test_other_keys_are_no_bins(text: str) -> None:
    assert not names.is_name(text)
