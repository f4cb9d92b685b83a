"""Bins that have the same photo, byte for byte: their groups are joined, so that no split shows what another has.

A photo belongs to the first bin of the whole source that has it, and groups with copies join that bin's group. So a
group moves only if it gets a copy of an earlier photo, and no other moves with it.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from bins import names
from dataset.rejects import EXAMPLES


class Copy(NamedTuple):
    """A bin whose photo others of the source have, too. `quantity` is None where nobody could read it.

    `of` is the first bin with the photo, which can be this one, and `of_group` that bin's group.
    """

    id: str
    quantity: int | None
    group: str
    of: str
    of_group: str


def joined(copies: Iterable[Copy]) -> dict[str, str]:
    """What the groups with copies are part of: the head with the lowest position among all that they are joined to."""
    below: dict[int, int] = {}

    def lowest(head: int) -> int:
        while head in below:
            # Halving the way for the next who goes it.
            below[head] = below.get(below[head], below[head])
            head = below[head]
        return head

    for copy in copies:
        low, high = sorted(lowest(names.position(head)) for head in (copy.group, copy.of_group))
        if low != high:
            below[high] = low
    return {names.name(head): names.name(lowest(head)) for head in list(below)}


def told(copies: Iterable[Copy]) -> dict[str, Any]:
    """Photos that several bins with a count have, how many bins they are, and of how many photos the counts differ.

    The examples name the bins of a photo, those with different counts first.
    """
    bins_of: dict[str, list[Copy]] = {}
    for copy in copies:
        if copy.quantity is not None:
            bins_of.setdefault(copy.of, []).append(copy)
    several = [its for its in bins_of.values() if len(its) > 1]
    # False sorts first.
    several.sort(key=_same_count)
    return {
        "photos": len(several),
        "bins": sum(map(len, several)),
        "photosWithDifferentCounts": sum(not _same_count(its) for its in several),
        "examples": [
            [{"id": copy.id, "count": copy.quantity} for copy in its[:EXAMPLES]] for its in several[:EXAMPLES]
        ],
    }


def most(copies: Iterable[Copy]) -> str:
    """What to add to a sentence about a split without bins: of which photo there are most copies, if of any."""
    numbers = Counter(copy.of for copy in copies)
    return "".join(
        f": {number} bins have the photo of {name}, and copies stay together" for name, number in numbers.most_common(1)
    )


def _same_count(copies: list[Copy]) -> bool:
    return len({copy.quantity for copy in copies}) == 1
