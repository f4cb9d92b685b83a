"""Bins that cannot be used: how many for which reason, some examples, and how many are too many."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Self

from bins import names
from errors import TooManyRejects

KEPT = "kept"
"""The verdict on a bin that is used; all others are reasons."""
UNKNOWN = "not in the source"
"""Of a bin that a list names; of others at least one file was found."""
MISSING = "missing metadata"
UNPARSABLE = "unparsable metadata"
NO_IMAGE = "no image"
OUT_OF_RANGE = "count outside range"
LEFT_OUT = "left out of training"
"""By `dataset.leaveOut`."""
WISHES = (OUT_OF_RANGE, LEFT_OUT)
"""Reasons that are a wish of the input and no fault of the source."""
WRONG_LABEL = "count is not the sum of its items"
"""A reason if the input says so."""

EXAMPLES = 20
"""Bins that are named of each kind."""


class Rejects:
    """Rejected bins by reason; the same for any order in which they were found."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.examples: dict[str, list[str]] = {}

    @classmethod
    def from_json(cls, content: Mapping[str, Mapping[str, Any]]) -> Self:
        """The inverse of `to_json`."""
        rejects = cls()
        for reason, found in content.items():
            rejects._extend(reason, found["count"], found["examples"])
        return rejects

    def to_json(self) -> dict[str, dict[str, Any]]:
        """{reason: {"count", "examples"}}, the examples being the first bins by name."""
        return {
            reason: {"count": count, "examples": self.examples[reason]} for reason, count in sorted(self.counts.items())
        }

    def add(self, reason: str, name: str) -> None:
        """Reject one bin."""
        self._extend(reason, 1, [name])

    def merge(self, other: "Rejects") -> None:
        """Take over all that another part of the dataset rejected."""
        for reason, count in other.counts.items():
            self._extend(reason, count, other.examples[reason])

    def check(self, kept: int, tolerated: float) -> None:
        """Refuse a dataset with too many faulty bins.

        Args:
            kept: usable bins.
            tolerated: the fraction of wanted bins (usable or faulty) that may be faulty.

        Raises:
            TooManyRejects
        """
        faults = {reason: count for reason, count in self.counts.items() if reason not in WISHES}
        faulty = sum(faults.values())
        if faulty > tolerated * (kept + faulty):
            raise TooManyRejects(
                f"dataset.maximumRejects: {tolerated:g} was given; {faulty} of {kept + faulty} wanted bins "
                f"({faulty / (kept + faulty):.1%}) cannot be used: {self.listed()}; must be at least that fraction, "
                "or the source needs repair"
            )

    def listed(self) -> str:
        """Such as `3 no image (bins 00004, 00017, 00205)`, the reasons that are faults only."""
        return "; ".join(
            f"{count} {reason} (bin{'s' if count > 1 else ''} {', '.join(self.examples[reason])}"
            f"{', ...' if count > len(self.examples[reason]) else ''})"
            for reason, count in sorted(self.counts.items())
            if reason not in WISHES
        )

    def _extend(self, reason: str, count: int, examples: list[str]) -> None:
        self.counts[reason] += count
        known = self.examples.get(reason, [])
        if len(known) < EXAMPLES or names.position(examples[0]) < names.position(known[-1]):
            self.examples[reason] = sorted({*known, *examples}, key=names.position)[:EXAMPLES]
