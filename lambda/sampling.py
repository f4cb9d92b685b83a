"""Decisions by hash: the same answer for the same bin in every run, whatever else the source holds."""

import hashlib


def unit_hash(salt: str, key: object) -> float:
    """A number in [0, 1), uniform over keys and a pure function of `salt` and `key`."""
    digest = hashlib.blake2b(f"{salt}:{key}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53


def is_sampled(block: int, fraction: float, seed: int) -> bool:
    """Whether a block of consecutive bins is part of the sample.

    Samples are nested: what a fraction takes, every larger fraction with the same seed takes too.
    """
    return unit_hash(f"sample {seed}", block) < fraction


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
