"""The score of an audit, its ranking, and how good an audit would be."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from stocktake.audit.planted import PLANTINGS, audit_quality
from stocktake.audit.score import (
    FEWEST,
    area_under_curve,
    doubt,
    error_rate,
    precision_at_top,
    probability_wrong,
    ranks,
)

LABELS = (1, 2, 3, 4, 5)
SCORED = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30).filter(
    lambda bins: len({wrong for _, wrong in bins}) == 2
)


def split(bins: list[tuple[int, bool]]) -> tuple[Tensor, Tensor]:
    return torch.tensor([score for score, _ in bins]).double(), torch.tensor([wrong for _, wrong in bins])


def test_the_doubt_is_the_probability_that_is_left() -> None:
    probabilities = torch.tensor([[0.5, 0.25, 0.25], [1e-12, 0.5, 0.5]])
    scores = doubt(probabilities, torch.tensor([1, 0]))
    assert scores.tolist() == pytest.approx([0.75, 1 - 1e-12], abs=1e-15)
    # in float32 it would be as high as that of an impossible count
    assert float(scores[1]) < 1


def test_the_probability_is_bayes_rule_worked_out_by_hand() -> None:
    # given one record of ten that is wrong, three counts, and photos that speak for the record or against it
    doubts = torch.tensor([0.1, 2 / 3, 1.0], dtype=torch.float64)
    # then .1 * .05 / (.9 * .9 + .1 * .05); a photo that says nothing leaves the share of wrong ones
    assert probability_wrong(doubts, 0.1, 3).tolist() == pytest.approx([0.005 / 0.815, 0.1, 1], abs=1e-9)


@pytest.mark.parametrize("planted", [0.02, 0.05, 0.2])
def test_the_share_of_wrong_records_is_found_by_a_calibrated_model(planted: float) -> None:
    # given probabilities, counts drawn from them, and a share of records that are any other count
    generator = torch.Generator().manual_seed(1)
    probabilities = (2 * torch.randn(20_000, 5, generator=generator)).softmax(1)
    recorded = probabilities.multinomial(1, generator=generator).squeeze(1)
    wrong = torch.rand(20_000, generator=generator) < planted
    recorded[wrong] = (recorded[wrong] + torch.randint(1, 5, (int(wrong.sum()),), generator=generator)) % 5
    # when
    doubts = doubt(probabilities, recorded)
    rate = error_rate(doubts, 5)
    # then
    assert rate.low < planted < rate.high
    assert rate.estimate == pytest.approx(planted, rel=0.25)
    # and so many are expected among those that the photos speak against
    expected = probability_wrong(doubts, rate.estimate, 5)
    first = expected.topk(1000).indices
    assert float(expected[first].sum()) == pytest.approx(float(wrong[first].sum()), rel=0.25)


def test_no_wrong_record_leaves_the_fewest() -> None:
    assert error_rate(torch.zeros(500, dtype=torch.float64), 5).estimate == pytest.approx(FEWEST)
    assert error_rate(torch.zeros(0, dtype=torch.float64), 5).low == FEWEST


def test_equal_scores_share_a_rank() -> None:
    assert ranks([0.5, 0.9, 0.5, 0.1]) == [2, 1, 2, 4]


def test_precision_and_area_of_a_small_example_worked_out_by_hand() -> None:
    # given scores 5, 4, 4, 3 and the first of the equal ones wrong, and the last
    bins = [(5, False), (4, True), (4, False), (3, True)]
    for order in (bins, bins[::-1]):
        scores, wrong = split(order)
        assert [precision_at_top(scores, wrong, top) for top in (1, 2, 3, 4)] == pytest.approx([0, 1 / 4, 1 / 3, 1 / 2])
        # of four pairs one is in order by half
        assert area_under_curve(scores, wrong) == pytest.approx(1 / 8)


@given(SCORED, st.randoms(use_true_random=False), st.data())
def test_nothing_depends_on_the_order_of_the_bins(bins: list[tuple[int, bool]], random: Any, data: Any) -> None:
    top = data.draw(st.integers(1, len(bins)))
    shuffled = random.sample(bins, len(bins))
    assert precision_at_top(*split(bins), top) == pytest.approx(precision_at_top(*split(shuffled), top))
    assert area_under_curve(*split(bins)) == pytest.approx(area_under_curve(*split(shuffled)))


@given(SCORED, st.data())
def test_the_other_way_round_is_the_rest(bins: list[tuple[int, bool]], data: Any) -> None:
    # given the same bins with all scores turned round
    scores, wrong = split(bins)
    top = data.draw(st.integers(1, len(bins) - 1))
    assert area_under_curve(scores, wrong) + area_under_curve(-scores, wrong) == pytest.approx(1)
    found = top * precision_at_top(scores, wrong, top) + (len(bins) - top) * precision_at_top(
        -scores, wrong, len(bins) - top
    )
    assert found == pytest.approx(int(wrong.sum()))


def answered(counts: list[int], probabilities: list[list[float]]) -> list[dict[str, Any]]:
    return [{"count": count, "probabilities": row} for count, row in zip(counts, probabilities, strict=True)]


def certain(count: int) -> list[float]:
    return [float(label == count) for label in LABELS]


@settings(max_examples=10)
@given(st.lists(st.sampled_from(LABELS), min_size=40, max_size=80), st.integers(0, 100))
def test_a_model_that_knows_every_count_ranks_all_planted_records_first(counts: list[int], seed: int) -> None:
    found = audit_quality(answered(counts, [certain(count) for count in counts]), LABELS, seed)
    assert found["planted"] == round(len(counts) / 20)
    for move in ("byOne", "byTwoOrMore"):
        assert found[move]["areaUnderCurve"] == {"mean": 1.0, "interval": [1.0, 1.0]}
        assert {name: figure["mean"] for name, figure in found[move]["precision"].items()} == pytest.approx(
            found["perfect"]
        )


def test_a_model_that_knows_nothing_finds_what_chance_does() -> None:
    # given the same answer to every photo: all scores are equal
    counts = [LABELS[i % 5] for i in range(200)]
    found = audit_quality(answered(counts, [[0.2] * 5] * 200), LABELS)
    for move in ("byOne", "byTwoOrMore"):
        assert found["chance"] == 0.05
        assert found[move]["areaUnderCurve"]["mean"] == pytest.approx(0.5)
        assert all(of["mean"] == pytest.approx(0.05) for of in found[move]["precision"].values())


def test_a_model_that_guesses_finds_about_what_chance_does() -> None:
    guesses = torch.rand(1000, 5, generator=torch.Generator().manual_seed(1)).softmax(1).tolist()
    found = audit_quality(answered([LABELS[i % 5] for i in range(1000)], guesses), LABELS)["byOne"]
    low, high = found["areaUnderCurve"]["interval"]
    assert low < 0.5 < high
    assert found["precision"]["10%"]["mean"] == pytest.approx(0.05, abs=0.02)


def test_a_record_that_is_off_by_more_is_found_more_easily() -> None:
    # given a model that mixes neighbours up
    counts = [LABELS[i % 5] for i in range(400)]
    noise = torch.randn(400, 5, generator=torch.Generator().manual_seed(1))
    off = (torch.tensor(counts)[:, None] - torch.tensor(LABELS)).abs()
    found = audit_quality(answered(counts, (noise - off).softmax(1).tolist()), LABELS)
    assert found["byTwoOrMore"]["areaUnderCurve"]["mean"] > found["byOne"]["areaUnderCurve"]["mean"] + 0.05
    assert found["byTwoOrMore"]["precision"]["5%"]["mean"] > found["byOne"]["precision"]["5%"]["mean"] > 0.1


@pytest.mark.parametrize(("labels", "measured"), [((1, 2), ["byOne"]), ((1, 3), ["byTwoOrMore"]), ((1, 2, 3), None)])
def test_what_no_label_is_far_enough_for_is_not_measured(labels: tuple[int, ...], measured: list[str] | None) -> None:
    rows = answered([labels[i % len(labels)] for i in range(60)], [[1 / len(labels)] * len(labels)] * 60)
    found = audit_quality(rows, labels)
    moves = [move for move in ("byOne", "byTwoOrMore") if found[move]]
    assert moves == (measured or ["byOne", "byTwoOrMore"])


def test_the_same_seed_plants_the_same_records() -> None:
    guesses = torch.rand(60, 5, generator=torch.Generator().manual_seed(1)).softmax(1).tolist()
    rows = answered([LABELS[i % 5] for i in range(60)], guesses)
    assert audit_quality(rows, LABELS, 1) == audit_quality(rows, LABELS, 1)
    assert audit_quality(rows, LABELS, 1) != audit_quality(rows, LABELS, 2)
    assert audit_quality(rows, LABELS)["plantings"] == PLANTINGS


def test_a_single_bin_is_no_audit() -> None:
    found = audit_quality(answered([2], [certain(2)]), LABELS)
    assert (found["byOne"], found["byTwoOrMore"]) == (None, None)
