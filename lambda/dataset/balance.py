"""How far the shares of a hashed split are from the asked ones, and whether that can be chance.

Each unit (a group, or a bin on its own) falls to a split with probability p, independently. With m_u bins in unit u and
N bins in all, a split's share of the bins has the standard error sqrt(p (1 - p) sum m_u^2) / N.

A share is refused when so large a deviation has a chance of less than `CHANCE`, three standard errors' worth, divided
by the number of shares that are checked: an honest split fails in one run of 370 at most, however many classes it has.
The chance is bounded after Chernoff, which holds for a handful of units too, where the normal curve means nothing.
"""

import math
from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from errors import UnbalancedSplit

CHANCE = math.erfc(3 / math.sqrt(2))
_TOLD = 20
"""Shares that an error names: a hundred classes have three hundred."""


@dataclass(frozen=True)
class Share:
    """One split's share of all bins, or of the bins of one class.

    `label` is the class, None for all bins; `chance` an upper bound on the probability of such a deviation.
    """

    split: str
    label: int | None
    bins: int
    asked: float
    got: float
    standard_error: float
    chance: float

    @property
    def standard_errors(self) -> float:
        """The deviation from the asked share, in standard errors."""
        return (self.got - self.asked) / self.standard_error


def measure(placed: Iterable[tuple[Hashable, int, str]], asked: dict[str, float], labels: list[int]) -> list[Share]:
    """Every split's share of all bins and of each class that has bins.

    Args:
        placed: unit, class and split of every bin.
        asked: probability of each split.
    """
    sizes: dict[int | None, Counter[Hashable]] = {None: Counter(), **{label: Counter() for label in labels}}
    bins: dict[int | None, Counter[str]] = {label: Counter() for label in sizes}
    for unit, its_label, split in placed:
        for label in (None, its_label):
            sizes[label][unit] += 1
            bins[label][split] += 1
    shares = []
    for label, of_unit in sizes.items():
        if not of_unit:
            continue
        units_of_size = Counter(of_unit.values())
        total = sum(size * units for size, units in units_of_size.items())
        squares = sum(size * size * units for size, units in units_of_size.items())
        for split, p in asked.items():
            got = bins[label][split]
            error = math.sqrt(p * (1 - p) * squares) / total
            shares.append(Share(split, label, got, p, got / total, error, _chance(units_of_size, p, got)))
    return shares


def check(shares: list[Share]) -> None:
    """Raise UnbalancedSplit for shares that are no chance."""
    wrong = [share for share in shares if share.chance < CHANCE / len(shares)]
    if wrong:
        raise UnbalancedSplit(
            "dataset.split: "
            + "; ".join(
                f"{share.split} was asked to hold {share.asked:g} of "
                f"{'all bins' if share.label is None else f'the bins with {share.label} items'} and holds "
                f"{share.got:.4f}, {abs(share.standard_errors):.1f} standard errors away"
                for share in wrong[:_TOLD]
            )
            + (f"; and {len(wrong) - _TOLD} more" if len(wrong) > _TOLD else "")
            + "; must be closer: try another seed, and report a fault of the assignment when that fails too"
        )


def _chance(units_of_size: dict[int, int], p: float, got: int) -> float:
    """Chernoff's bound on the probability that a split gets as far from its mean as `got`, on either side.

    exp(min over t of K(t) - t got), where K is the logarithm of the moment-generating function of the number of bins.
    """
    mean = p * sum(size * units for size, units in units_of_size.items())
    side = 1 if got > mean else -1

    def exponent(t: float) -> float:
        generating = sum(units * math.log1p(p * math.expm1(side * t * size)) for size, units in units_of_size.items())
        return generating - side * t * got

    low, high = 0.0, 40 / max(units_of_size)
    for _ in range(60):  # The exponent is convex in t: a ternary search finds its minimum.
        third = (high - low) / 3
        if exponent(low + third) < exponent(high - third):
            high -= third
        else:
            low += third
    return min(1.0, 2 * math.exp(exponent((low + high) / 2)))
