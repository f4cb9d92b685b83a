"""Two models on the same images: differences, their interval, McNemar's test."""

from fractions import Fraction
from math import comb
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stocktake.evaluation.comparison import MEASURES, compare, mcnemar_exact
from stocktake.model.counts import expected_counts
from stocktake.model.metrics import counting_metrics

LABELS = (1, 2, 3)


def rows(probabilities: torch.Tensor, counts: list[int]) -> list[dict[str, Any]]:
    """As the evaluation writes them."""
    answers = zip(
        counts, probabilities.argmax(1).tolist(), expected_counts(probabilities, LABELS).tolist(), strict=True
    )
    return [{"count": count, "predicted": LABELS[place], "expected": expected} for count, place, expected in answers]


def answers(right: list[bool]) -> list[dict[str, Any]]:
    """Of bins with two items each, counted exactly or as three."""
    return [{"count": 2, "predicted": 2 if hit else 3, "expected": 2.0 if hit else 3.0} for hit in right]


def singles(number: int) -> list[str]:
    return [f"g{i}" for i in range(number)]


@st.composite
def pairs(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[str]]:
    number = draw(st.integers(1, 30))
    drawn = [draw(st.lists(st.booleans(), min_size=number, max_size=number)) for _ in range(2)]
    groups = draw(st.lists(st.sampled_from("abcdefgh"), min_size=number, max_size=number))
    return answers(drawn[0]), answers(drawn[1]), groups


def test_a_small_example_worked_out_by_hand() -> None:
    # given four bins, of which one model counts three exactly and the other one
    found = compare(answers([True, True, True, False]), answers([True, False, False, False]), singles(4))
    assert (found["images"], found["groups"]) == (4, 4)
    assert found["challenger"] == {"accuracy": 0.75, "withinOne": 1.0, "mae": 0.25, "rmse": 0.5}
    assert found["champion"] == {"accuracy": 0.25, "withinOne": 1.0, "mae": 0.75, "rmse": pytest.approx(0.75**0.5)}
    assert found["difference"]["accuracy"]["estimate"] == 0.5
    assert found["difference"]["mae"]["estimate"] == -0.5
    # two to none: each way with a chance of a quarter
    assert found["mcnemar"] == {"onlyChallenger": 2, "onlyChampion": 0, "pValue": 0.5}


def test_the_measures_are_those_of_the_evaluation() -> None:
    torch.manual_seed(1)
    counts = torch.randint(1, 4, (50,)).tolist()
    one, other = torch.rand(50, 3).softmax(1), torch.rand(50, 3).softmax(1)
    found = compare(rows(one, counts), rows(other, counts), singles(50))
    for name, probabilities in (("challenger", one), ("champion", other)):
        metrics = counting_metrics(probabilities, counts, LABELS)
        assert found[name] == pytest.approx({measure: metrics[measure] for measure in MEASURES})


@settings(max_examples=15, deadline=None)
@given(pairs())
def test_it_is_fair(case: tuple[list[dict[str, Any]], list[dict[str, Any]], list[str]]) -> None:
    """Who is called the champion changes the sign and nothing else; the same again gives the same."""
    one, other, groups = case
    found, reverse = compare(one, other, groups), compare(other, one, groups)
    assert compare(one, other, groups) == found
    assert found["challenger"] == reverse["champion"]
    for measure in MEASURES:
        there, back = found["difference"][measure], reverse["difference"][measure]
        assert there["estimate"] == -back["estimate"]
        assert there["interval"] == pytest.approx([-back["interval"][1], -back["interval"][0]], abs=1e-12)
        low, high = there["interval"]
        assert -4 <= low <= high <= 4
    assert found["mcnemar"]["pValue"] == reverse["mcnemar"]["pValue"]


@settings(max_examples=15, deadline=None)
@given(pairs())
def test_the_same_model_does_not_differ(case: tuple[list[dict[str, Any]], list[dict[str, Any]], list[str]]) -> None:
    one, _, groups = case
    found = compare(one, one, groups)
    assert all(found["difference"][measure] == {"estimate": 0, "interval": [0, 0]} for measure in MEASURES)
    assert found["mcnemar"]["pValue"] == 1


@settings(max_examples=10, deadline=None)
@given(pairs(), st.integers(2, 4))
def test_photos_of_the_same_bin_are_no_further_evidence(
    case: tuple[list[dict[str, Any]], list[dict[str, Any]], list[str]], copies: int
) -> None:
    """Each photo several times within its group: the estimate is known no better."""
    one, other, groups = case
    once, again = compare(one, other, groups), compare(one * copies, other * copies, groups * copies)
    for measure in MEASURES:
        assert again["difference"][measure]["interval"] == pytest.approx(once["difference"][measure]["interval"])


def test_linked_bins_widen_the_interval() -> None:
    # given forty groups of five bins, all five of which one model gets right and the other not, or the other way round
    one = [place % 2 == 0 for place in range(40) for _ in range(5)]
    other = [not hit for hit in one]

    def width(groups: list[str]) -> float:
        low, high = compare(answers(one), answers(other), groups)["difference"]["accuracy"]["interval"]
        return high - low

    # then the interval is that of forty, not of two hundred
    linked, alone = width([f"g{place}" for place in range(40) for _ in range(5)]), width(singles(200))
    assert linked == pytest.approx(2 * 1.96 * 40**-0.5, rel=0.1)
    assert linked == pytest.approx(alone * 5**0.5, rel=0.1)


def test_the_interval_holds_the_true_difference_as_often_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples of 120 bins in groups of one to four, whose members are right or wrong together more often than not."""
    monkeypatch.setattr("stocktake.evaluation.comparison.RESAMPLES", 300)
    generator = torch.Generator().manual_seed(5)
    shares = (0.5, 0.35)

    def drawn() -> tuple[list[bool], list[bool], list[str]]:
        right: tuple[list[bool], list[bool]] = ([], [])
        groups: list[str] = []
        while len(groups) < 120:
            size = int(torch.randint(1, 5, (1,), generator=generator))
            together = bool(torch.rand(1, generator=generator) < 0.7)
            for model, share in enumerate(shares):
                own = (torch.rand(size, generator=generator) < share).tolist()
                right[model].extend([own[0]] * size if together else own)
            groups += [f"g{len(groups)}"] * size
        return *right, groups

    def holds(by_group: bool) -> int:
        held = 0
        for _ in range(200):
            one, other, groups = drawn()
            units = groups if by_group else singles(len(groups))
            low, high = compare(answers(one), answers(other), units)["difference"]["accuracy"]["interval"]
            held += low <= shares[0] - shares[1] <= high
        return held

    # then of 200 about 190 do: four standard errors of 3.1 below are 178; single bins as units promise too much
    assert holds(by_group=True) >= 178
    assert holds(by_group=False) < 178


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemars_p_value_is_the_binomial_tail(one: int, other: int) -> None:
    number = one + other
    tail = sum(Fraction(comb(number, k), 2**number) for k in range(min(one, other) + 1))
    assert mcnemar_exact(one, other) == pytest.approx(float(min(Fraction(1), 2 * tail)))


@pytest.mark.parametrize(
    ("one", "other", "p_value"),
    # R: binom.test(c(b, c))$p.value
    [(8, 1, 0.0390625), (6, 0, 0.03125), (5, 0, 0.0625), (12, 5, 0.1434631), (0, 0, 1.0)],
)
def test_mcnemars_p_values_are_those_of_other_software(one: int, other: int, p_value: float) -> None:
    assert mcnemar_exact(one, other) == pytest.approx(p_value, abs=1e-7)


def test_the_whole_datasets_test_split_is_no_trouble() -> None:
    # given 27,000 test images of which half are told apart
    assert mcnemar_exact(6900, 6600) == pytest.approx(0.01007, abs=2e-4)
