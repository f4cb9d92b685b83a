from itertools import pairwise
from typing import Any

import pytest
from drawings import lines, marks, style, words
from synthetic_tuning import TUNING, trial

from stocktake.report import tuning_plots


def tuning(**changes: Any) -> dict[str, Any]:
    return TUNING | changes


def one_trial() -> dict[str, Any]:
    return tuning(trials=TUNING["trials"][:1], best="tune-001")


def all_failed() -> dict[str, Any]:
    return tuning(trials=[trial(n, 1e-3, 64, 12, None, "Failed") for n in (1, 2, 3)], best=None)


def test_each_trial_is_drawn_once_at_what_it_reached() -> None:
    drawing = tuning_plots.objective_over_trials(TUNING)
    completed, [stopped] = marks(drawing, "completed"), marks(drawing, "stopped")
    ticks = words(drawing)
    percent = (ticks["20%"][1] - ticks["40%"][1]) / 20
    foot = completed[0][1]
    # The trials 1, 2, 5 and 6 are complete, with 20%, 36%, 40% and 30%; the fourth was stopped at 22%.
    assert [(foot - y) / percent for _, y in (*completed, stopped)] == pytest.approx([0, 16, 20, 10, 2], abs=0.01)
    assert [x for x, _ in (*completed, stopped)] == pytest.approx([ticks[number][0] for number in "12564"], abs=0.01)
    assert marks(drawing, "best") == [pytest.approx(completed[2])]
    [(cross, _)] = marks(drawing, "valueless")
    assert cross == pytest.approx(ticks["3"][0])
    assert {"validation accuracy", "trial", "best so far", "stopped", "no value"} <= ticks.keys()


def test_the_line_of_the_best_so_far_only_rises_and_reaches_the_edge() -> None:
    drawing = tuning_plots.objective_over_trials(TUNING)
    [line] = lines(drawing, "running")
    corners = [marks(drawing, "completed")[i][1] for i in (0, 1, 2)]
    levels = list(dict.fromkeys(y for _, y in line))
    assert levels == pytest.approx(corners, abs=0.01)
    assert line[-1][0] > marks(drawing, "completed")[-1][0]


def test_the_legend_names_only_what_is_there() -> None:
    drawing = tuning_plots.objective_over_trials(one_trial())
    assert "best so far" in words(drawing)
    assert not {"stopped", "no value"} & words(drawing).keys()


def test_each_trial_runs_through_what_it_tried_and_reached() -> None:
    drawing = tuning_plots.parallel_coordinates(TUNING)
    foot, top = words(drawing)["1e-5"][1], words(drawing)["0.01"][1]
    height = foot - top
    places = {
        name: [[(lines(drawing, "trial")[0][0][1] - y) / height for _, y in line] for line in lines(drawing, name)]
        for name in ("trial", "best", "valueless")
    }
    # Learning rate (each decade a third), batch size (each a third), epochs (10..20), accuracy (20%..40%).
    assert places["trial"] == [
        pytest.approx([0, 0, 0, 0], abs=1e-3),
        pytest.approx([1 / 3, 2 / 3, 0.2, 0.1], abs=1e-3),
        pytest.approx([1 / 3, 1 / 3, 0.1, 0.5], abs=1e-3),
        pytest.approx([2 / 3, 1, 1, 0.8], abs=1e-3),
    ]
    assert places["best"] == [pytest.approx([2 / 3, 2 / 3, 0.4, 1], abs=1e-3)]
    assert places["valueless"] == [pytest.approx([1, 1 / 3, 0.5], abs=1e-3)]


def test_the_learning_rate_s_axis_is_logarithmic_and_the_batch_sizes_are_evenly_spaced() -> None:
    ticks = words(tuning_plots.parallel_coordinates(TUNING))
    for labels in (("1e-5", "0.0001", "0.001", "0.01"), ("32", "64", "128", "256")):
        steps = [ticks[low][1] - ticks[high][1] for low, high in pairwise(labels)]
        assert steps == pytest.approx([steps[0]] * 3)
        assert steps[0] > 0
    assert {"10", "20", "20.0%", "40.0%", "learning rate", "batch size", "epochs", "accuracy"} <= ticks.keys()


def test_a_range_within_one_decade_is_labelled_at_its_ends() -> None:
    ranges = TUNING["ranges"] | {"learningRate": [0.0002, 0.0015]}
    trials = [trial(1, 0.0005, 32, 10, 0.3)]
    assert {"0.0002", "0.0015"} <= words(tuning_plots.parallel_coordinates(tuning(ranges=ranges, trials=trials))).keys()


def test_the_best_is_bold_and_the_worse_the_paler() -> None:
    drawing = tuning_plots.parallel_coordinates(TUNING)
    [best] = style(drawing, "best")
    assert "stroke-width: 4" in best
    assert all("stroke-width: 1.5" in line for line in style(drawing, "trial"))
    colours = [line.split("stroke: #")[1][:6] for line in (*style(drawing, "trial"), best)]
    brightness = [sum(bytes.fromhex(colour)) for colour in colours]
    assert brightness == sorted(brightness, reverse=True)
    assert len(set(colours)) == 5


@pytest.mark.parametrize("draw", [tuning_plots.objective_over_trials, tuning_plots.parallel_coordinates])
def test_one_trial_or_none_that_ended_well_can_be_drawn(draw: Any) -> None:
    assert len(marks(draw(one_trial()), "best") or lines(draw(one_trial()), "best")) == 1
    failed = draw(all_failed())
    assert len(marks(failed, "valueless") or lines(failed, "valueless")) == 3
    assert not marks(failed, "best")
    assert not lines(failed, "best")


@pytest.mark.parametrize("draw", [tuning_plots.objective_over_trials, tuning_plots.parallel_coordinates])
def test_the_same_trials_give_the_same_bytes(draw: Any) -> None:
    assert draw(TUNING) == draw(TUNING)


def test_values_of_a_single_kind_lie_in_the_middle() -> None:
    ranges = {"learningRate": [1e-3, 1e-3], "batchSize": [64], "epochs": [12, 12]}
    same = tuning(ranges=ranges, trials=[trial(n, 1e-3, 64, 12, 0.3) for n in (1, 2)], best="tune-001")
    drawing = tuning_plots.parallel_coordinates(same)
    assert len({y for _, y in lines(drawing, "trial")[0]}) == 1
    assert {"64", "12", "30.0%"} <= words(drawing).keys()
