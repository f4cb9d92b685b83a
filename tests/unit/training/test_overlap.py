"""Which test images are new to a champion."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stocktake.evaluation.overlap import FEWEST, NotComparable, Seen, check_labels, check_number

names = st.sampled_from([f"{number:05d}" for number in range(8)])
groups_of_bins = st.dictionaries(names, st.lists(names, min_size=1, max_size=3), max_size=4)


def seen(folder: Path, **splits: dict[str, list[str]]) -> Seen:
    (folder / "splits.json").write_text(json.dumps({"train": {}, "valid": {}} | splits))
    return Seen.read(folder)


def others(number: int) -> list[str]:
    return [f"other{place}" for place in range(number)]


def test_bins_of_training_and_validation_and_what_is_linked_to_them_are_left_out(tmp_path: Path) -> None:
    # given a champion made from a group of two, of which one bin was sampled then, and another bin
    champion = seen(tmp_path, train={"00001": ["00002"]}, valid={"00007": ["00007"]})
    # when the test split has both, one more that is linked, one whose group was found to begin earlier, and new ones
    ids = ["00001", "00002", "00003", "00007", *others(5)]
    groups = ["00001", "00001", "00001", "00006", *others(5)]
    # then only the new ones remain
    assert champion.unseen(ids, groups) == list(range(4, 9))


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"train": [], "valid": {}}'])
def test_a_damaged_list_is_no_list(tmp_path: Path, content: str) -> None:
    (tmp_path / "splits.json").write_text(content)
    with pytest.raises(NotComparable, match="is damaged"):
        Seen.read(tmp_path)


@given(groups_of_bins, groups_of_bins, st.lists(st.tuples(names, names), max_size=10))
def test_what_remains_was_in_no_list(
    train: dict[str, list[str]], valid: dict[str, list[str]], test: list[tuple[str, str]]
) -> None:
    bins = frozenset(name for split in (train, valid) for its in split.values() for name in its)
    champion = Seen(bins, frozenset([*train, *valid]))
    images = test + [(name, name) for name in others(5)]
    kept = champion.unseen([name for name, _ in images], [group for _, group in images])
    left_out = set(range(len(images))) - set(kept)
    assert kept == sorted(kept)
    assert not any(images[i][0] in bins or images[i][1] in {*train, *valid} for i in kept)
    assert all(images[i][0] in bins or images[i][1] in {*train, *valid} for i in left_out)


def test_too_few_that_remain_are_told_with_how_many_were_left_out() -> None:
    with pytest.raises(
        NotComparable, match=r"^12 of 21 test images are of bins .*, which leaves 9, and .* at least 10$"
    ):
        check_number(9, 21)
    check_number(FEWEST, 21)


def test_a_dataset_without_a_list_is_named(tmp_path: Path) -> None:
    for folder in (None, tmp_path, tmp_path / "absent"):
        with pytest.raises(NotComparable, match="its dataset has no list of the bins"):
            Seen.read(folder)


def test_other_labels_are_named() -> None:
    check_labels((1, 2, 3), (1, 2, 3))
    with pytest.raises(NotComparable, match="the counts 1 to 5 apart, and this model 0 to 5"):
        check_labels((1, 2, 3, 4, 5), (0, 1, 2, 3, 4, 5))
