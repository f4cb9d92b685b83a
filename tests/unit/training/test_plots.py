import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import HISTORY
from drawings import lines, marks, words

from stocktake.report import plots

CODE = Path(plots.__file__).parents[1]
UTILISATION: dict[str, Any] = {"seconds": [0, 1, 2, 3], "cpu": [0, 100, 50, 50], "memory": [20, 20, 20, 20]}


def heights(points: list[tuple[float, float]], drawing: str, low: str, high: str) -> list[float]:
    """How high points lie, as a share of the way from one label of the vertical axis to another, from the first."""
    unit = words(drawing)[low][1] - words(drawing)[high][1]
    return [(points[0][1] - y) / unit for _, y in points]


def test_a_learning_curve_runs_through_the_values_of_each_split() -> None:
    drawing = plots.learning_curve(HISTORY, HISTORY[2], "accuracy")
    [training], [validation] = lines(drawing, "train"), lines(drawing, "validation")
    # Accuracies are 25%, 50%, 75% and 20%, 40%, 60%.
    assert heights(training, drawing, "20%", "40%") == pytest.approx([0, 1.25, 2.5], abs=1e-3)
    assert heights(validation, drawing, "20%", "40%") == pytest.approx([0, 1, 2], abs=1e-3)
    assert [x for x, _ in training] == pytest.approx([words(drawing)[epoch][0] for epoch in "123"])
    assert {"accuracy", "training", "validation", "epoch"} <= words(drawing).keys()


@pytest.mark.parametrize("epoch", [1, 2, 3])
@pytest.mark.parametrize("measure", ["loss", "accuracy"])
def test_a_dot_marks_the_best_epoch_on_the_validation_line(epoch: int, measure: str) -> None:
    drawing = plots.learning_curve(HISTORY, HISTORY[epoch - 1], measure)
    assert marks(drawing, "best") == [pytest.approx(lines(drawing, "validation")[0][epoch - 1])]


def test_the_test_split_has_a_line_where_it_was_measured() -> None:
    history = [row | {"test:accuracy": 0.3} for row in HISTORY]
    drawing = plots.learning_curve(history, history[0], "accuracy")
    assert heights(lines(drawing, "test")[0], drawing, "20%", "40%") == [0, 0, 0]
    assert "test" in words(drawing)
    assert not lines(plots.learning_curve(history, history[0], "loss"), "test")
    assert "test" not in words(plots.learning_curve(HISTORY, HISTORY[0], "accuracy"))


def test_one_epoch_is_a_dot_at_a_whole_number() -> None:
    curve = plots.learning_curve(HISTORY[:1], HISTORY[0], "loss")
    assert len(marks(curve, "train")) == len(marks(curve, "best")) == 1
    across = [word for word, (_, y) in words(curve).items() if y == words(curve)["1"][1]]
    assert across == ["1"]


@pytest.mark.parametrize("gpu", [None, [0, 25, 75, 100]])
def test_utilisation_has_a_line_for_each_thing_measured(gpu: list[float] | None) -> None:
    drawing = plots.utilisation(UTILISATION | {"gpu": gpu})
    assert heights(lines(drawing, "cpu")[0], drawing, "0%", "100%") == pytest.approx([0, 1, 0.5, 0.5], abs=1e-3)
    assert heights(lines(drawing, "memory")[0], drawing, "0%", "100%") == [0, 0, 0, 0]
    assert len(lines(drawing, "gpu")) == ("GPU" in words(drawing)) == (gpu is not None)
    assert "seconds" in words(drawing)


def test_many_samples_of_the_utilisation_are_drawn_as_their_means() -> None:
    seconds = list(range(1200))
    samples = {"cpu": [100 * (second % 2) for second in seconds], "memory": [50] * 1200, "gpu": None}
    drawing = plots.utilisation(samples | {"seconds": seconds})
    assert lines(drawing, "cpu") == lines(drawing, "memory")
    # Ten samples together: the first ones are drawn at 4.5 s, the last ones at 1194.5 s.
    [line], minute = lines(drawing, "cpu"), (words(drawing)["20"][0] - words(drawing)["0"][0]) / 20
    assert len(line) == 120
    assert line[-1][0] - line[0][0] == pytest.approx(1190 / 60 * minute, abs=0.01)
    assert "minutes" in words(drawing)


def test_the_same_data_give_the_same_bytes() -> None:
    def draw() -> str:
        return plots.learning_curve(HISTORY, HISTORY[2], "loss") + plots.utilisation(UTILISATION | {"gpu": None})

    assert draw() == draw()


def test_a_drawing_is_an_element_to_put_into_a_page_with_text_as_text() -> None:
    drawing = plots.learning_curve(HISTORY, HISTORY[2], "loss")
    assert drawing.startswith("<svg")
    assert "<metadata" not in drawing
    assert "glyph" not in drawing.lower()


def test_only_what_draws_imports_matplotlib() -> None:
    script = "import sys; import inference; import train; print(sorted(m for m in sys.modules if m == 'matplotlib'))"
    shim = "from rehearsal import torchvision_on_cpu; torchvision_on_cpu.install(); "
    path = f"import sys; sys.path[:0] = {[str(CODE), str(CODE.parent)]!r}; "
    run = subprocess.run([sys.executable, "-c", path + shim + script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
