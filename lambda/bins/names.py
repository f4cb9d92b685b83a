"""Names of bins and their order.

Names are strings: `1` and `00001` are two bins. There are two sequences of names, the unpadded (fewer than five digits)
and the padded (`00001` ... `99999`, `100000` ...); consecutive photos have consecutive names of one sequence.

A *position* is a name as one integer: equal to the number for the unpadded, `PADDED` plus the number for the padded.
Positions sort and step as the sequences do, and the gap between the two never closes.
"""

import re

PADDED = 20_000
BLOCK = 20
"""Consecutive positions that are sampled together. Divides PADDED, so no block holds names of both sequences."""

_NAME = re.compile(r"0|[1-9]\d{0,3}|\d{5}|[1-9]\d{5,11}", re.ASCII)


def is_name(text: str) -> bool:
    """Whether `text` is the name of a bin."""
    return _NAME.fullmatch(text) is not None


def position(name: str) -> int:
    """The place of a bin's name in the order of all names."""
    return int(name) if len(name) < 5 else PADDED + int(name)


def name(position: int) -> str:
    """The bin's name at a position; the inverse of `position`."""
    return str(position) if position < PADDED else f"{position - PADDED:05d}"


def exists(position: int) -> bool:
    """Whether a bin can have this position: False before, between and after the two sequences."""
    return 0 <= position < 10_000 or position >= PADDED


def block(position: int) -> int:
    """The block of consecutive names that a position belongs to."""
    return position // BLOCK
