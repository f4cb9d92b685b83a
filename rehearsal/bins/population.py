"""Which bins there are: their items, and the runs of consecutive ids that show one bin before and after a change."""

from __future__ import annotations

import random
from dataclasses import dataclass

from rehearsal.bins.products import new_asin
from rehearsal.bins.scene import Camera, Item, camera

# Shares of the counts 0..8 in percent; 0 to 5 as measured in the real data set, its long tail folded into 6, 7 and 8.
COUNT_SHARES = (2, 8, 14, 17, 15, 12, 13, 11, 8)
MOST = len(COUNT_SHARES) - 1
LONGEST_RUN = 3
CHANGE_SHARE = 0.45  # gives 39 % of consecutive pairs a shared SKU, as in the real data set, with runs of at most 3


@dataclass(frozen=True)
class Bin:
    """One photographed state of a bin."""

    items: tuple[Item, ...]
    view: Camera


def bin_at(seed: int, sequence: str, number: int) -> Bin:
    """The bin with a number in one sequence of ids; it depends on nothing but these three, so any subset agrees."""
    if not continues(seed, sequence, number):
        return _fresh(_rng(seed, sequence, number, "fresh"))
    return _changed(bin_at(seed, sequence, number - 1), _rng(seed, sequence, number, "change"))


def continues(seed: int, sequence: str, number: int) -> bool:
    """Whether this number shows the same bin as the one before it, after one item was moved, added or taken."""
    run = 0
    while number - run > 1 and _rng(seed, sequence, number - run, "run").random() < CHANGE_SHARE:
        run += 1
    return run % LONGEST_RUN != 0


def shot(seed: int, sequence: str, number: int) -> random.Random:
    """The generator of what differs between two photos of an unchanged bin."""
    return _rng(seed, sequence, number, "shot")


def _rng(seed: int, *parts: object) -> random.Random:
    return random.Random("/".join(map(str, (seed, *parts))))


def _fresh(rng: random.Random) -> Bin:
    count = rng.choices(range(MOST + 1), COUNT_SHARES)[0]
    items: tuple[Item, ...] = ()
    for _ in range(count):
        items += (_new_item(items, rng),)
    return Bin(items, camera(rng))


def _changed(before: Bin, rng: random.Random) -> Bin:
    items = list(before.items)
    changes = ["move"] if items else []
    changes += ["add"] * 2 if len(items) < MOST else []
    changes += ["take"] * 2 if len(items) > 1 else []  # never the last one: the two bins must share a SKU
    change = rng.choice(changes)
    if change in ("move", "take"):
        item = items.pop(rng.randrange(len(items)))
    if change == "move":
        items.append(_stood(item.asin, items, rng))
    if change == "add":
        items.append(_new_item(tuple(items), rng))
    return Bin(tuple(items), before.view)


def _new_item(others: tuple[Item, ...], rng: random.Random) -> Item:
    """Often one more of a product that is there already, as in the real bins."""
    asin = rng.choice(others).asin if others and rng.random() < 0.3 else new_asin(rng)
    return _stood(asin, others, rng)


def _stood(asin: str, others: tuple[Item, ...] | list[Item], rng: random.Random) -> Item:
    """Stand an item where it hides, and is hidden, least; a full bin leaves it no choice but to overlap."""
    places = [Item(asin, rng.uniform(0.13, 0.87), rng.random(), rng.gauss(0, 4)) for _ in range(10)]
    return min(places, key=lambda place: sum(_overlap(place, other) ** 2 for other in others))


def _overlap(one: Item, other: Item) -> float:
    (left, right), (other_left, other_right) = one.span, other.span
    shared = max(0.0, min(right, other_right) - max(left, other_left))
    return shared / min(right - left, other_right - other_left)
