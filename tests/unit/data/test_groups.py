"""Groups and splits of any source whatever: nothing separated, lost, invented or moved."""

from collections.abc import Mapping
from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from bins import groups, names, sampling
from dataset import assignment, copies
from dataset.assignment import Bin
from dataset.copies import Copy
from dataset.shards import plan_shards
from run import contract

# Few names and few SKUs, so that chains, gaps and both sequences are common.
positions = st.integers(0, 60) | st.integers(names.PADDED, names.PADDED + 60) | st.integers(9990, 9999)
sources = st.dictionaries(positions, st.frozensets(st.sampled_from("abcd"), max_size=3), min_size=1, max_size=60)
splits = st.sampled_from([contract.Split(), contract.Split(train=0.5, valid=0.25, test=0.25)])
seeds = st.integers(0, 3)


def chains(source: Mapping[int, groups.Skus]) -> dict[int, int]:
    """The head of each bin's group, by merging sets: an independent computation."""
    group_of = {position: {position} for position in source}
    for position, skus in source.items():
        if skus & source.get(position + 1, frozenset()):
            merged = group_of[position] | group_of[position + 1]
            for member in merged:
                group_of[member] = merged
    return {position: min(group) for position, group in group_of.items()}


def heads_by_batch(source: Mapping[int, groups.Skus], batches: list[list[int]]) -> dict[int, int]:
    found: dict[int, int] = {}
    for batch in batches:
        skus = {position: source[position] for position in batch}
        found |= groups.heads(skus, lambda position: source.get(position, frozenset()))
    return found


def bins_of(heads: Mapping[int, int]) -> list[Bin]:
    return [Bin(names.name(at), 1 + at % 5, names.name(head)) for at, head in heads.items()]


def split_of(bins: list[Bin], asked: contract.Split, seed: int) -> dict[str, str]:
    return {bin_.id: name for name, its in assignment.assign(bins, asked, seed).items() for bin_ in its}


@given(sources, st.data())
def test_groups_are_the_same_for_every_sample_and_every_batch(
    source: dict[int, groups.Skus], data: st.DataObject
) -> None:
    sampled = data.draw(st.lists(st.sampled_from(sorted(source)), unique=True))
    size = data.draw(st.integers(1, 10))
    batches = [sampled[start : start + size] for start in range(0, len(sampled), size)]
    expected = chains(source)
    assert heads_by_batch(source, batches) == {position: expected[position] for position in sampled}


@given(sources, splits, seeds)
def test_no_group_is_divided_and_no_bin_lost_or_invented(
    source: dict[int, groups.Skus], asked: contract.Split, seed: int
) -> None:
    heads = chains(source)
    assigned = assignment.assign(bins_of(heads), asked, seed)
    everything = [bin_ for its in assigned.values() for bin_ in its]
    assert sorted(everything) == sorted(bins_of(heads))
    by_name = split_of(bins_of(heads), asked, seed)
    for position, head in heads.items():
        assert by_name[names.name(position)] == by_name[names.name(head)]
    assert assignment.leak(assigned)["seenInTraining"] == 0


# Which bins have a photo that others have too, and which photo it is.
photos = st.dictionaries(positions, st.sampled_from("pqr"), max_size=8)


def copies_of(heads: Mapping[int, int], photo_of: Mapping[int, str]) -> list[Copy]:
    """As Catalogue tells of them: with the first bin that has the photo."""
    its = {at: photo for at, photo in photo_of.items() if at in heads}
    first = {photo: min(at for at in its if its[at] == photo) for photo in its.values()}
    return [
        Copy(names.name(at), 1, names.name(heads[at]), names.name(first[its[at]]), names.name(heads[first[its[at]]]))
        for at in its
    ]


def joined_by_merging(heads: Mapping[int, int], photo_of: Mapping[int, str]) -> dict[int, int]:
    """The lowest head of all groups that copies connect, by merging sets: an independent computation."""
    merged = {head: {head} for head in heads.values()}
    for photo in "pqr":
        connected = set().union(*(merged[heads[at]] for at, its in photo_of.items() if its == photo and at in heads))
        for head in connected:
            merged[head] = connected
    return {at: min(merged[head]) for at, head in heads.items()}


@given(sources, photos, splits, seeds)
def test_copies_are_in_one_split_and_no_group_moves_that_has_none(
    source: dict[int, groups.Skus], photo_of: dict[int, str], asked: contract.Split, seed: int
) -> None:
    heads = chains(source)
    copied = copies_of(heads, photo_of)
    joined = copies.joined(copied)
    bins = [bin_._replace(group=joined.get(bin_.group, bin_.group)) for bin_ in bins_of(heads)]
    expected = joined_by_merging(heads, photo_of)
    assert {bin_.id: bin_.group for bin_ in bins} == {names.name(at): names.name(head) for at, head in expected.items()}
    before, after = split_of(bins_of(heads), asked, seed), split_of(bins, asked, seed)
    for one in copied:
        for two in copied:
            assert one.of != two.of or after[one.id] == after[two.id]
    moved = {heads[names.position(name)] for name in before if before[name] != after[name]}
    assert moved <= {names.position(one.group) for one in copied if one.group != one.of_group}


@given(st.lists(st.integers(0, 5000), min_size=2, max_size=50))
def test_many_copies_are_joined_at_once(heads: list[int]) -> None:
    links = [Copy(names.name(one), 1, names.name(one), "1", names.name(two)) for one, two in pairwise(heads)]
    joined = copies.joined(links)
    assert {joined.get(names.name(head), names.name(head)) for head in heads} == {names.name(min(heads))}


@given(sources, splits, seeds, st.randoms())
def test_the_order_of_bins_does_not_matter(
    source: dict[int, groups.Skus], asked: contract.Split, seed: int, shuffler: Random
) -> None:
    bins = bins_of(chains(source))
    shuffled = shuffler.sample(bins, len(bins))
    planned = plan_shards(assignment.assign(bins, asked, seed), lambda _: 1e6, seed)
    assert plan_shards(assignment.assign(shuffled, asked, seed), lambda _: 1e6, seed) == planned


@given(sources, splits, seeds, st.frozensets(st.sampled_from("abcd")), st.integers(1, 5))
def test_bins_that_arrive_later_move_none(
    source: dict[int, groups.Skus], asked: contract.Split, seed: int, skus: frozenset[str], number: int
) -> None:
    """Names are given out upward, each sequence for itself; the newcomers may join the last chain."""
    last = max(source)
    grown = source | {last + step: skus for step in range(1, number + 1)}
    before = split_of(bins_of(chains(source)), asked, seed)
    after = split_of(bins_of(chains(grown)), asked, seed)
    assert {name: after[name] for name in before} == before


@given(st.integers(0, 100_000), st.floats(0, 1), st.floats(0, 1), seeds)
def test_a_larger_fraction_contains_the_smaller(block: int, one: float, two: float, seed: int) -> None:
    smaller, larger = sorted((one, two))
    if sampling.is_sampled(block, smaller, seed):
        assert sampling.is_sampled(block, larger, seed)


@given(st.integers(0, 100_000), seeds)
def test_the_whole_source_is_a_fraction_too(block: int, seed: int) -> None:
    assert sampling.is_sampled(block, 1, seed)
    assert not sampling.is_sampled(block, 0, seed)


@given(st.integers(0, 20), st.floats(0, 1), seeds)
def test_a_sample_has_the_size_asked_for(strata: int, fraction: float, seed: int) -> None:
    blocks = range(strata * sampling.STRATUM)
    taken = sum(sampling.is_sampled(block, fraction, seed) for block in blocks)
    # At most one block more or less in each stratum; independent draws would miss by several.
    assert abs(taken - fraction * len(blocks)) <= strata


@given(sources, splits, seeds, st.floats(1, 60e6))
def test_shards_hold_every_bin_once_and_none_is_empty(
    source: dict[int, groups.Skus], asked: contract.Split, seed: int, bin_bytes: float
) -> None:
    assigned = assignment.assign(bins_of(chains(source)), asked, seed)
    shards = plan_shards(assigned, lambda _: bin_bytes, seed)
    for name, bins in assigned.items():
        its = [held for shard, held in shards.items() if shard.rpartition("-")[0] == name]
        assert all(its)
        assert sorted(bin_ for held in its for bin_ in held) == sorted(bins)
        if name == "train":
            assert len(its) >= min(4, len(bins))


def test_a_seed_makes_another_sample_and_another_split() -> None:
    sampled = {seed: {block for block in range(1000) if sampling.is_sampled(block, 0.5, seed)} for seed in (0, 1)}
    bins = [Bin(f"{n:05d}", 1, f"{n:05d}") for n in range(1000)]
    assert sampled[0] != sampled[1]
    assert split_of(bins, contract.Split(), 0) != split_of(bins, contract.Split(), 1)


def test_splitting_by_image_shows_its_leak() -> None:
    bins = [Bin(f"{n:05d}", 1, f"{n // 2 * 2:05d}") for n in range(2000)]
    assigned = assignment.assign(bins, contract.Split(by="image"), seed=0)
    leak = assignment.leak(assigned)
    # Given one twin each, nine in ten test bins have theirs in training.
    assert 0.8 < leak["seenInTraining"] / leak["test"] < 0.98
