"""Twins of the real dataset stay together. Needs ../shared/abid, which is never part of this repository."""

import hashlib
import itertools
import json
from functools import cache
from pathlib import Path
from typing import Literal

import pytest

from bins import groups, metadata, names, sampling
from dataset import assignment
from dataset.assignment import Bin
from run import contract

METADATA = Path(__file__).resolve().parents[3].parent / "shared" / "abid" / "metadata"

pytestmark = pytest.mark.skipif(not METADATA.is_dir(), reason="the real bins are not at hand")


@cache
def contents() -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in METADATA.glob("*.json")}


@cache
def twins() -> frozenset[tuple[str, str]]:
    """Pairs of consecutive bins that share a SKU, found without any of our functions."""
    items = {name: set(json.loads(content)["BIN_FCSKU_DATA"]) for name, content in contents().items()}
    padded = {int(name): name for name in items if len(name) >= 5}
    unpadded = {int(name): name for name in items if len(name) < 5}
    return frozenset(
        (sequence[number], sequence[number + 1])
        for sequence in (padded, unpadded)
        for number in sequence
        if number + 1 in sequence and items[sequence[number]] & items[sequence[number + 1]]
    )


@cache
def skus_at(position: int) -> groups.Skus:
    content = contents().get(names.name(position))
    return metadata.parse(content).skus if content else frozenset()


@pytest.mark.parametrize(("seed", "fraction"), list(itertools.product([0, 1, 2], [0.1, 0.5])))
def test_twins_are_never_separated(seed: int, fraction: float) -> None:
    # Given a sample in batches, as Plan and Catalogue make it
    sampled = [
        position
        for position in sorted(map(names.position, contents()))
        if sampling.is_sampled(names.block(position), fraction, seed)
    ]
    heads: dict[int, int] = {}
    for start in range(0, len(sampled), 300):
        heads |= groups.heads({at: skus_at(at) for at in sampled[start : start + 300]}, skus_at)

    # When it is split
    bins = [Bin(names.name(position), 1, names.name(head)) for position, head in heads.items()]
    asked = contract.Split()
    split_of = {bin_.id: name for name, its in assignment.assign(bins, asked, seed).items() for bin_ in its}
    by_image = assignment.assign(bins, contract.Split(by="image"), seed)
    naive = {bin_.id: name for name, its in by_image.items() for bin_ in its}

    # Then all twins of the sample are in one split, which is not luck: by image, many are not
    pairs = [(one, two) for one, two in twins() if one in split_of and two in split_of]
    assert len(pairs) > 0.3 * len(split_of)
    assert [pair for pair in pairs if split_of[pair[0]] != split_of[pair[1]]] == []
    assert sum(naive[one] != naive[two] for one, two in pairs) > 0.05 * len(pairs)


def test_unpadded_names_are_bins_of_their_own() -> None:
    assert contents()["1"] != contents()["00001"]
    heads = groups.heads({names.position(name): skus_at(names.position(name)) for name in ("1", "00001")}, skus_at)
    assert {names.name(position) for position in heads} == {"1", "00001"}


def test_as_many_labels_are_wrong_as_the_documentation_says() -> None:
    wrong = [name for name, content in contents().items() if metadata.parse(content).wrong_label]
    assert sorted(wrong) == ["01405", "01406", "02081", "02082"]
    assert "in 4 of 8,500 real bins" in (Path(__file__).resolve().parents[3] / "docs" / "data.md").read_text()


def test_the_leak_table_is_as_documented() -> None:
    # Given all real bins that are wanted, and their photos, of which none is another's copy
    photos = [hashlib.sha256(path.read_bytes()).digest() for path in (METADATA.parent / "bin-images").glob("*.jpg")]
    assert len(photos) == len(set(photos)) == 8500
    heads = groups.heads({at: skus_at(at) for at in map(names.position, contents())}, skus_at)
    counts = {name: metadata.parse(content).quantity for name, content in contents().items()}
    bins = [
        Bin(names.name(at), 1, names.name(head)) for at, head in heads.items() if counts[names.name(at)] in range(1, 6)
    ]
    # When they are split 80/10/10
    asked: list[Literal["group", "image"]] = ["group", "image"]
    leaks = [
        assignment.leak(assignment.assign(bins, contract.Split(train=0.8, valid=0.1, test=0.1, by=by), seed=0))
        for by in asked
    ]
    # Then every bin is where it always was
    assert leaks == [{"test": 544, "seenInTraining": 0}, {"test": 541, "seenInTraining": 288}]


def test_a_third_more_photos_can_train_and_none_of_a_measured_group() -> None:
    # Given all real bins, counted or not, in groups that do not ask which
    heads = groups.heads({at: skus_at(at) for at in map(names.position, contents())}, skus_at)
    counted: list[Bin] = []
    uncounted: list[Bin] = []
    for at, head in heads.items():
        quantity = metadata.parse(contents()[names.name(at)]).quantity
        (counted if quantity in range(1, 6) else uncounted).append(Bin(names.name(at), 1, names.name(head)))
    # When both are split
    split = contract.Split(train=0.8, valid=0.1, test=0.1)
    splits, others = assignment.assign(counted, split, seed=0), assignment.assign(uncounted, split, seed=0)
    # Then, although many groups have bins of both
    assert len({bin_.group for bin_ in counted} & {bin_.group for bin_ in uncounted}) > 500
    assert assignment.leak(splits | {assignment.UNCOUNTED: others["train"]}) == {"test": 544, "seenInTraining": 0}
    assert (len(counted), len(uncounted), len(others["train"])) == (5614, 2886, 2312)
