import random

import pytest

from dataset import balance
from dataset.balance import Share
from errors import UnbalancedSplit

ASKED = {"train": 0.9, "valid": 0.05, "test": 0.05}
LABELS = [1, 2, 3, 4, 5]


def placed(units: int, generator: random.Random, asked: dict[str, float] = ASKED) -> list[tuple[int, int, str]]:
    """Groups of one to three bins, each assigned as a whole."""
    bins = []
    for unit in range(units):
        name = generator.choices(list(asked), list(asked.values()))[0]
        bins += [(unit, generator.choice(LABELS), name) for _ in range(generator.choice([1, 1, 1, 2, 3]))]
    return bins


@pytest.mark.parametrize("units", [3, 30, 300, 3000])
def test_an_honest_split_is_accepted_however_small(units: int) -> None:
    # 50 runs at a false alarm in 370: two would be suspicious.
    alarms = 0
    for seed in range(50):
        try:
            balance.check(balance.measure(placed(units, random.Random(seed)), ASKED, LABELS))
        except UnbalancedSplit:
            alarms += 1
    assert alarms <= 1


def test_a_biased_split_is_refused_and_named() -> None:
    wrong = {"train": 0.8, "valid": 0.15, "test": 0.05}
    with pytest.raises(UnbalancedSplit, match=r"valid was asked to hold 0\.05 of all bins and holds 0\.1"):
        balance.check(balance.measure(placed(500, random.Random(0), wrong), ASKED, LABELS))


def test_a_class_that_is_kept_from_a_split_is_refused() -> None:
    bins = [(unit, label, "train" if label == 5 else split) for unit, label, split in placed(4000, random.Random(0))]
    with pytest.raises(UnbalancedSplit, match="bins with 5 items"):
        balance.check(balance.measure(bins, ASKED, LABELS))


def test_of_many_wrong_shares_the_first_twenty_and_a_count_are_named() -> None:
    """Given a hundred classes that are all kept from two of three splits."""
    labels = list(range(100))
    bins = [(unit, unit % 100, "train") for unit in range(100_000)]
    with pytest.raises(UnbalancedSplit) as raised:
        balance.check(balance.measure(bins, ASKED, labels))
    told = str(raised.value)
    assert told.count("was asked to hold") == 20
    assert "; and 283 more; must be closer" in told


def test_the_standard_error_counts_groups_and_not_bins() -> None:
    # Given 100 pairs, the share of a split varies as that of 100 bins, not of 200.
    pairs = [(unit, 1, "train" if unit < 90 else "test") for unit in range(100) for _ in range(2)]
    share = balance.measure(pairs, {"train": 0.9, "test": 0.1}, [1])[0]
    assert share.standard_error == pytest.approx((0.9 * 0.1 / 100) ** 0.5)
    assert share.standard_errors == pytest.approx(0)


def test_the_standard_error_is_what_repeated_splits_show() -> None:
    shares: dict[str, list[Share]] = {"test": []}
    for seed in range(400):
        generator = random.Random(0)
        sizes = [generator.choice([1, 1, 2, 3]) for _ in range(200)]
        generator = random.Random(seed)
        bins = []
        for unit, size in enumerate(sizes):
            split = generator.choices(list(ASKED), list(ASKED.values()))[0]
            bins += [(unit, 1, split)] * size
        shares["test"] += [share for share in balance.measure(bins, ASKED, [1]) if share.split == "test"][:1]
    measured = [share.got for share in shares["test"]]
    spread = (sum((got - 0.05) ** 2 for got in measured) / len(measured)) ** 0.5
    assert spread == pytest.approx(shares["test"][0].standard_error, rel=0.15)


@pytest.mark.parametrize(("units", "got"), [(20, 5), (100, 12), (1000, 75)])
def test_the_chance_is_a_bound_on_the_real_one(units: int, got: int) -> None:
    bins = [(unit, 1, "test" if unit < got else "train") for unit in range(units)]
    share = next(s for s in balance.measure(bins, {"train": 0.95, "test": 0.05}, [1]) if s.split == "test")
    generator = random.Random(1)
    draws = 4000
    as_far = sum(sum(generator.random() < 0.05 for _ in range(units)) >= got for _ in range(draws)) / draws
    assert as_far <= share.chance <= max(20 * as_far, 0.02)
