"""The tests' values against tables, SciPy 1.17's, and each other."""

import math
import random

import pytest

from drift.two_samples import chi_square_q, holm, homogeneity, kolmogorov_q, kolmogorov_smirnov, mann_whitney


@pytest.mark.parametrize(
    ("x", "p"),
    # Smirnov's table: the critical values of 10%, 5%, 1% and 0.1%; then scipy.special.kolmogorov
    [(1.2238, 0.1), (1.3581, 0.05), (1.6276, 0.01), (1.9495, 0.001), (0.5, 0.9639452436648751), (0.2, 1.0)],
)
def test_kolmogorovs_distribution(x: float, p: float) -> None:
    assert kolmogorov_q(x) == pytest.approx(p, rel=1e-3)


@pytest.mark.parametrize(
    ("x", "degrees", "p"),
    [  # the tables' critical values of 5%; then scipy.stats.chi2.sf
        (3.841459, 1, 0.05),
        (5.991465, 2, 0.05),
        (7.814728, 3, 0.05),
        (9.487729, 4, 0.05),
        (18.307038, 10, 0.05),
        (40.0, 5, 1.493367900050393e-07),
        (0.5, 7, 0.9994464813904249),
    ],
)
def test_the_chi_square_distribution(x: float, degrees: int, p: float) -> None:
    assert chi_square_q(x, degrees) == pytest.approx(p, rel=1e-5)


def test_the_distance_of_kolmogorov_and_smirnov() -> None:
    # given samples of which half and three quarters lie at or below 2
    found = kolmogorov_smirnov([1, 2, 3, 4], [0, 1, 2, 5])
    # then
    assert found.distance == 0.25
    assert found.p > 0.99
    # and of samples apart it is all there is
    assert kolmogorov_smirnov([1, 2], [3, 4, 5]).distance == 1


def test_the_p_value_of_two_samples_is_near_the_exact_one() -> None:
    # given 100 and 60 values that lie apart by a shift; scipy.stats.ks_2samp (exact): distance 0.31, p 0.00114
    found = kolmogorov_smirnov([i / 100 for i in range(100)], [0.3 + i / 60 for i in range(60)])
    assert found.distance == pytest.approx(0.31)
    assert found.p == pytest.approx(0.00114, rel=0.25)


def test_ranks_with_ties() -> None:
    # given what scipy.stats.mannwhitneyu (asymptotic, without continuity) says of these: U 25
    found = mann_whitney([1, 2, 2, 3, 4, 5, 5, 6, 7, 9], [3, 4, 5, 6, 6, 7, 8, 8, 9, 10, 11, 12])
    assert found.distance == pytest.approx(1 - 2 * 25 / 120)
    assert found.p == pytest.approx(0.020503298045451406)
    # and of equal values nothing is found, and of samples apart all there is
    assert mann_whitney([1, 1], [1, 1, 1]) == (0, 1)
    assert mann_whitney([1, 2], [3, 4, 5]).distance == 1


def test_a_small_shift_of_everything_is_seen_by_ranks_before_the_largest_distance() -> None:
    # given 40 pairs of samples, one of which lies a third of a standard deviation higher
    chance, seen = random.Random(3), {mann_whitney: 0, kolmogorov_smirnov: 0}
    for _ in range(40):
        then, now = ([chance.gauss(shift, 1) for _ in range(300)] for shift in (0, 1 / 3))
        for test in seen:
            seen[test] += test(then, now).p < 1e-3
    assert seen[mann_whitney] > seen[kolmogorov_smirnov]
    assert seen[mann_whitney] >= 25


def test_shares_of_counts() -> None:
    # given 2 x 2: 30 of 50 and 20 of 50 -> statistic 4, without Yates' correction
    found = homogeneity([1] * 30 + [2] * 20, [1] * 20 + [2] * 30)
    assert found.distance == pytest.approx(0.2)
    assert found.p == pytest.approx(math.erfc(math.sqrt(2)))


def test_rare_counts_are_put_together() -> None:
    # given a count that occurs once, and one that occurs three times: too few for a cell each
    many = [1] * 50 + [2] * 50
    found = homogeneity([*many, 9], [*many, 8, 8, 8])
    # then they are counted with the rarest of the others
    assert found.p == homogeneity([1] * 51 + [2] * 50, [1] * 53 + [2] * 50).p
    # ... and where nothing is left to compare, nothing is found
    assert homogeneity([1] * 60, [1] * 60) == (0, 1)


def test_holms_correction() -> None:
    # Holm 1979: the smallest times their number, the next times one less, none smaller than the one before
    found = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert found == pytest.approx({"d": 0.02, "a": 0.03, "c": 0.06, "b": 0.06})
    assert holm({"a": 0.6, "b": 0.9}) == {"a": 1, "b": 1}


def test_equal_distributions_seldom_give_small_p_values() -> None:
    """Given 400 pairs of samples of one distribution, about 5% have a p value below 5%."""
    chance = random.Random(5)

    def sample(size: int) -> list[float]:
        return [chance.gauss(0, 1) for _ in range(size)]

    below = sum(kolmogorov_smirnov(sample(60), sample(50)).p < 0.05 for _ in range(400))
    counts = sum(
        homogeneity([round(x) for x in sample(80)], [round(x) for x in sample(60)]).p < 0.05 for _ in range(400)
    )
    # three standard deviations of the binomial distribution
    assert 7 <= below <= 33
    assert 7 <= counts <= 33
