"""Two-sample tests in plain Python: how far apart two samples are, and how seldom chance alone sets them so."""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

_FEWEST = 5
"""Expected in a cell of the chi-square test: its distribution is an approximation that needs as many (Cochran)."""


class Tested(NamedTuple):
    """A distance between two samples, 0 to 1, and its p value."""

    distance: float
    p: float


def kolmogorov_smirnov(a: Sequence[float], b: Sequence[float]) -> Tested:
    """Of a continuous quantity: the largest difference between the shares that lie below any value.

    The p value is Kolmogorov's limit with Stephens' correction for small samples; where values are equal it is on the
    safe side.
    """
    first, second = sorted(a), sorted(b)
    distance = max(
        abs(bisect_right(first, value) / len(first) - bisect_right(second, value) / len(second))
        for value in {*first, *second}
    )
    root = math.sqrt(len(first) * len(second) / (len(first) + len(second)))
    return Tested(distance, kolmogorov_q((root + 0.12 + 0.11 / root) * distance))


def mann_whitney(a: Sequence[float], b: Sequence[float]) -> Tested:
    """Of a quantity that goes up or down as a whole: by how much one of `b` is more often above one of `a` than below.

    The distance is the absolute value of that (Cliff's delta). The p value is the normal approximation's, with the
    correction for ties. It sees a small shift of all values, which is spread too thin for Kolmogorov and Smirnov.
    """
    together = Counter([*a, *b])
    rank_of, below = {}, 0
    for value in sorted(together):
        rank_of[value] = below + (together[value] + 1) / 2
        below += together[value]
    n, m, total = len(a), len(b), len(a) + len(b)
    excess = sum(rank_of[value] for value in b) - m * (total + 1) / 2
    ties = sum(times**3 - times for times in together.values()) / (total * (total - 1))
    variance = n * m / 12 * (total + 1 - ties)
    p = math.erfc(abs(excess) / math.sqrt(2 * variance)) if variance else 1.0
    return Tested(abs(2 * excess / (n * m)), p)


def kolmogorov_q(x: float) -> float:
    """Probability that Kolmogorov's limiting distribution exceeds x."""
    if x < 0.2:  # where the series converges slowly, and is 1 to more digits than a double has
        return 1.0
    return min(1.0, max(0.0, 2 * sum((1 if k % 2 else -1) * math.exp(-2 * (k * x) ** 2) for k in range(1, 101))))


def homogeneity(a: Sequence[Hashable], b: Sequence[Hashable]) -> Tested:
    """Of categories: half the sum of the differences between their shares (total variation), and a chi-square test.

    Categories too rare for the test are put together.
    """
    first, second = Counter(a), Counter(b)
    distance = sum(abs(first[k] / len(a) - second[k] / len(b)) for k in first | second) / 2
    table = _without_rare(first, second)
    total = len(a) + len(b)
    statistic = 0.0
    for pair in table:
        for observed, size in zip(pair, (len(a), len(b)), strict=True):
            expected = sum(pair) * size / total
            statistic += (observed - expected) ** 2 / expected
    return Tested(distance, chi_square_q(statistic, len(table) - 1))


def _without_rare(first: Counter[Hashable], second: Counter[Hashable]) -> list[tuple[int, int]]:
    smaller = min(first.total(), second.total()) / (first.total() + second.total())
    table = sorted(((first[k], second[k]) for k in first | second), key=sum)
    while len(table) > 1 and sum(table[0]) * smaller < _FEWEST:
        (a, b), (c, d), *others = table
        table = sorted([(a + c, b + d), *others], key=sum)
    return table


def chi_square_q(x: float, degrees: int) -> float:
    """Probability that a chi-square variable exceeds x; with 0 degrees of freedom nothing was compared, and it is 1."""
    if degrees == 0 or x <= 0:
        return 1.0
    half, even = x / 2, degrees % 2 == 0
    upper = math.exp(-half) if even else math.erfc(math.sqrt(half))
    for shape in range(degrees // 2 - (1 if even else 0)):
        a = shape + (1 if even else 0.5)
        upper += math.exp(a * math.log(half) - half - math.lgamma(a + 1))
    return min(1.0, upper)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """The p values corrected for their number: none below a level is wrong, but with the probability of that level."""
    corrected, least = {}, 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        least = corrected[name] = max(least, min(1.0, (len(p_values) - rank) * p_values[name]))
    return corrected
