"""Decisions by hash: the same answer for the same bin in every run, whatever else the source holds."""

import hashlib
from functools import cache

STRATUM = 50
"""Consecutive blocks of which every sample takes its fraction, so that samples come out at the size asked for."""


def unit_hash(salt: str, key: object) -> float:
    """A number in [0, 1), uniform over keys and a pure function of `salt` and `key`."""
    digest = hashlib.blake2b(f"{salt}:{key}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53


def is_sampled(block: int, fraction: float, seed: int) -> bool:
    """Whether a block of consecutive bins is part of the sample.

    Samples are nested: what a fraction takes, every larger fraction with the same seed takes too. They are stratified:
    of each 50 consecutive blocks, 2% takes one and 10% takes five; which ones, the hash says.
    """
    stratum, place = divmod(block, STRATUM)
    rank = _ranks(stratum, seed)[place]
    return (rank + unit_hash(f"sample {seed}", block)) / STRATUM < fraction


@cache
def _ranks(stratum: int, seed: int) -> list[int]:
    """The order in which growing fractions take the blocks of a stratum."""
    order = sorted(range(STRATUM), key=lambda place: unit_hash(f"stratum {seed}", stratum * STRATUM + place))
    return sorted(range(STRATUM), key=order.__getitem__)


def assigned_split(key: object, shares: dict[str, float], seed: int) -> str:
    """The split of a group (or of a single bin) by its identity alone.

    Args:
        key: the group's head, which stays the same while the source grows (see `groups.head`).
        shares: asked share of each split, in a fixed order, summing to 1.
    """
    place = unit_hash(f"split {seed}", key)
    reached = 0.0
    for split, share in shares.items():
        reached += share
        if place < reached:
            return split
    return split  # Shares can sum to a hair less than 1.
