"""Which split a bin goes to: whole groups by a stable hash, so that the same bin is in the same split for ever."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from bins.sampling import assigned_split
from run import contract

UNCOUNTED = "uncounted"
"""The split of photos with other counts than the labels, which only train; and Catalogue's verdict on them."""
TRAINING = ("train", UNCOUNTED)
"""The splits that models learn from."""


class Bin(NamedTuple):
    """A bin that is packed; `group` is the head of its group."""

    id: str
    quantity: int
    group: str


def unit(bin_: Bin, split: contract.Split) -> str:
    """What is assigned as a whole: the bin's group, or the bin itself."""
    return bin_.group if split.by == "group" else bin_.id


def assign(bins: Iterable[Bin], split: contract.Split, seed: int) -> dict[str, list[Bin]]:
    """The bins of each split."""
    splits: dict[str, list[Bin]] = {name: [] for name in split.shares}
    for bin_ in bins:
        splits[assigned_split(unit(bin_, split), split.shares, seed)].append(bin_)
    return splits


def leak(splits: Mapping[str, list[Bin]]) -> dict[str, int]:
    """How many bins the test split has, and how many of them are of a group that training sees, too."""
    seen = {bin_.group for name in TRAINING for bin_ in splits.get(name, ())}
    return {"test": len(splits["test"]), "seenInTraining": sum(bin_.group in seen for bin_ in splits["test"])}


def made_from(splits: Mapping[str, list[Bin]]) -> dict[str, dict[str, list[str]]]:
    """The bins that models are trained and validated on, {split: {group: [bins]}}: no fair test of one has any."""
    found: dict[str, dict[str, list[str]]] = {"train": {}, "valid": {}}
    for name, bins in splits.items():
        groups = found.get("train" if name in TRAINING else name)
        if groups is None:
            continue
        for bin_ in bins:
            groups.setdefault(bin_.group, []).append(bin_.id)
    return found
