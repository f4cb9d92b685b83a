"""Groups of linked bins: photos of the same bin before and after one item moved.

Two bins are linked when their names are consecutive and they share a SKU. A group is a maximal chain of linked bins of
the *whole source*, sampled or not, and its identity is its head, the bin with the lowest position.

Names are given out upward, so a photo that arrives later joins a chain at its tail and the head stays. What would move
a group is a photo that appears *before* its head and shares a SKU with it: in a gap of the names, or because metadata
that nobody could read becomes readable.
"""

from collections.abc import Callable, Mapping

Skus = frozenset[str]


def head(position: int, skus_at: Callable[[int], Skus]) -> int:
    """The head of a bin's group.

    Args:
        position: the bin.
        skus_at: the SKUs of any bin; empty for one that is missing or cannot be read.
    """
    while (skus := skus_at(position)) and skus & skus_at(position - 1):
        position -= 1
    return position


def heads(skus: Mapping[int, Skus], skus_before: Callable[[int], Skus]) -> dict[int, int]:
    """The head of every bin of a batch.

    Args:
        skus: SKUs of the batch's bins by position.
        skus_before: SKUs of a bin outside the batch; asked only where a chain may reach across the batch's border.
    """
    found: dict[int, int] = {}
    for position in sorted(skus):
        before = position - 1
        if before not in skus:
            found[position] = head(position, lambda at: skus[at] if at in skus else skus_before(at))
        elif skus[position] & skus[before]:
            found[position] = found[before]
        else:
            found[position] = position
    return found
