"""Every bench runs at its smallest size, as its reader starts it, and writes its figures."""

import ast
import json
import os
from pathlib import Path
from typing import Any

import pytest
from bench_process import ROOT, run_bench
from PIL import Image

from bench import loader, recipe
from bench.children import ChildFailed
from rehearsal.bins import write_bins

SMALLEST = {
    "campaign": ["--source", "{bins}", "--architecture", "resnet18", "--trials", "1"],
    "data_at_scale": ["--ids", "500"],
    "drift": ["--source", "{bins}", "--pool", "40", "--changed", "30", "--size", "30", "--draws", "2"],
    "extraction": ["--source", "{bins}", "--architecture", "resnet18", "--image-size", "32", "--rounds", "1"],
    "formats": ["--source", "{bins}", "--architecture", "resnet18", "--epochs", "1"],
    "hook_overhead": ["--images", "2", "--rounds", "1", "5"],
    "label_noise": ["--source", "{bins}", "--image-size", "32", "--plantings", "1"],
    # Cold would drop, as root, all that the machine caches.
    "loader": ["--source", "{bins}", "--rounds", "1", "--workers", "0", "1", "--caches", "warm"],
    "pack_images": ["{bins}/bin-images", "--rounds", "1"],
    "recipe": [
        *("--source", "{bins}", "--architecture", "resnet18", "--image-size", "32", "--epochs", "1", "--seeds", "1"),
        *("--variants", "fine-tuning", "notebook, all layers", "without average of weights"),
    ],
    "worst_photos": ["--only", "arithmetic"],
    "serving": ["--source", "{bins}", "--architecture", "resnet18", "--rounds", "1", "--seconds", "0"],
}

SETTINGS = {"architecture": "resnet18", "imageSize": 32, "epochs": 1, "bins": 50}


@pytest.fixture(scope="module")
def bins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn bins with sound photos: every count from 1 to 5 occurs, and some bins are for validation."""
    folder = tmp_path_factory.mktemp("bins")
    write_bins(folder, count=50, seed=7)
    for photo in (folder / "bin-images").iterdir():
        try:
            with Image.open(photo) as image:
                image.load()
        except OSError:
            photo.unlink()
    return folder


@pytest.fixture
def figures(request: pytest.FixtureRequest, bins: Path, tmp_path: Path) -> dict[str, Any]:
    """What the bench wrote whose name is the fixture's parameter."""
    file = tmp_path / "figures.json"
    arguments = [argument.format(bins=bins) for argument in SMALLEST[request.param]]
    ended = run_bench(request.param, *arguments, "--json", str(file))
    assert ended.returncode == 0, ended.stderr
    return dict(json.loads(file.read_text()))


def bench(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("figures", [name], indirect=True)


@bench("campaign")
def test_a_campaign_is_measured_both_ways(figures: dict[str, Any]) -> None:
    ours, recomputing = figures["ours"], figures["recomputing"]
    assert figures["ratio"] == pytest.approx(recomputing["sameFormat"]["seconds"] / ours["seconds"])
    # Both ways learn the same from the same batches, or their seconds compare nothing.
    [before], [after] = recomputing["sameFormat"]["history"], recomputing["oursAtTheSameEpochs"]
    assert after["validation:loss"] == pytest.approx(before["validation:loss"], rel=0.01)


@bench("data_at_scale")
def test_the_functions_that_see_every_bin_are_measured(figures: dict[str, Any]) -> None:
    plan, split, audit = figures["functions"]
    assert [row["function"] for row in (plan, split, audit)] == ["plan", "split", "plan audit"]
    # At least a LIST for each leading digit of both folders.
    assert plan["requests"] >= 20
    assert all(row["cpu"] > 0 and 10 < row["megabytes"] < 1769 for row in figures["functions"])


@bench("drift")
def test_alarms_are_counted_of_unchanged_and_changed_bins(figures: dict[str, Any]) -> None:
    results = figures["results"]
    assert results["unchanged"]["draws"] == 2
    assert results["darkened to 70%"]["draws"] == 1
    # The same photos in less light are farther from the reference.
    dark, plain = (results[name]["largestDistance"]["brightness"] for name in ("darkened to 70%", "unchanged"))
    assert dark > plain


@bench("recipe")
def test_a_recipe_is_compared_with_todays_way_and_with_itself_less_an_ingredient(figures: dict[str, Any]) -> None:
    compared = figures["compared"]
    answered_otherwise = {"without mirror images", "without worth of one off"}
    assert compared.keys() == {"notebook, all layers", "without average of weights"} | answered_otherwise
    # Another choice from the same probabilities has the same expected count.
    assert compared["without worth of one off"]["difference"]["rmse"]["estimate"] == 0
    today = compared["notebook, all layers"]
    assert figures["ratio"] == pytest.approx(today["champion"]["rmse"] / today["challenger"]["rmse"])
    images = figures["images"]["1"]
    assert today["images"] == images["test"] == len(figures["runs"]["1"]["fine-tuning"]["rows"])
    assert images["uncounted"] > 0
    trained = figures["runs"]["1"]["fine-tuning"]
    for plain, served in zip(trained["plain"], trained["rows"], strict=True):
        assert served["count"] == plain["count"]
        assert served["probabilities"] != plain["probabilities"]
    notebook = figures["runs"]["1"]["notebook, all layers"]
    assert notebook["rows"] == notebook["plain"]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("{", "holds no figures of this bench"),
        ('{"runs": {}}', "holds no figures of this bench"),
        (json.dumps(SETTINGS | {"epochs": 9}), "holds trainings with another epochs"),
    ],
)
def test_trainings_with_other_settings_are_not_taken_up(tmp_path: Path, content: str, fault: str) -> None:
    file = tmp_path / "figures.json"
    file.write_text(content)
    with pytest.raises(SystemExit, match=fault):
        recipe.taken_up(file, SETTINGS)
    assert file.read_text() == content


def test_trainings_that_a_file_holds_are_taken_up(tmp_path: Path) -> None:
    known = SETTINGS | {"images": {}, "runs": {"0": {"fine-tuning": {"rows": []}}}}
    (tmp_path / "figures.json").write_text(json.dumps(known))
    assert recipe.taken_up(tmp_path / "figures.json", SETTINGS) == known


@bench("extraction")
def test_a_compiled_trunk_is_compared_with_the_trunk_as_it_is(figures: dict[str, Any]) -> None:
    assert figures["same"]
    speeds = figures["imagesPerSecond"]
    assert figures["ratio"] == pytest.approx(speeds["compiled"] / speeds["asItIs"])


@bench("formats")
def test_formats_are_compared_on_the_same_photos(figures: dict[str, Any]) -> None:
    assert figures["formats"].keys() == {"float32", "bfloat16"}
    assert {metrics["images"] for metrics in figures["formats"].values()} == {figures["images"]}
    assert 0 <= figures["largestDifference"] < 0.1
    right = {name: round(metrics["accuracy"] * figures["images"]) for name, metrics in figures["formats"].items()}
    only = figures["onlyRightIn"]
    assert right["float32"] - right["bfloat16"] == only["float32"] - only["bfloat16"]


@bench("label_noise")
def test_planted_labels_are_looked_for_among_all_training_bins(figures: dict[str, Any]) -> None:
    for move in ("byOne", "byTwoOrMore"):
        [planting] = figures[move]["each"]
        assert planting["chance"] * planting["images"] == pytest.approx(round(0.05 * planting["images"]))
        assert 0 <= figures[move]["area"] <= 1


@bench("serving")
def test_serving_is_measured_beside_the_notebooks_way(figures: dict[str, Any]) -> None:
    native, loads = figures["machine"]["native"], figures["loads"]
    assert [row["clients"] for row in loads] == [1, 4, 16]
    assert figures["ratio"] == loads[-1]["ratio"][native]
    [[of_one]] = [row["rounds"] for row in loads[:1]]
    assert figures["ratioP50"] == pytest.approx(of_one["notebook"]["p50"] / of_one[native]["p50"])
    assert {"float32", native} | {"notebook"} == of_one.keys()
    assert all(seen["p99"] >= seen["p50"] > 0 for seen in of_one.values())


@bench("hook_overhead")
def test_steps_are_measured_with_and_without_hook(figures: dict[str, Any]) -> None:
    resnet = figures["milliseconds"]["ResNet-18"]
    assert figures["ratio"] == pytest.approx(1 + resnet["mean, every 50"] / resnet["without hook"])
    # What is written tells that the hook was there.
    assert resnet["kilobytes"] > figures["milliseconds"]["bare head"]["kilobytes"] > 1


@bench("loader")
def test_both_ways_load_the_same_inputs(figures: dict[str, Any]) -> None:
    assert [(row["cache"], row["workers"]) for row in figures["epochs"]] == [("warm", 0), ("warm", 1)]
    assert figures["ratio"] == min(row["ratio"]["ImageFolder"] for row in figures["epochs"])
    assert figures["largestDifference"] < 1e-5


@bench("pack_images")
def test_packing_is_measured_beside_pillow(figures: dict[str, Any]) -> None:
    ours, default = (figures["ways"][way] for way in ("stocktake", "Pillow, bicubic"))
    assert figures["images"] > 40
    assert figures["ratio"] == pytest.approx(ours["imagesPerSecond"] / default["imagesPerSecond"])
    assert ours["worstDecibels"] > 30


@bench("worst_photos")
def test_what_a_photo_costs_an_endpoint_is_measured(figures: dict[str, Any]) -> None:
    [row] = figures["photos"]
    assert row["answer"].startswith("400: The image is a JPEG of a rare kind")
    assert figures["most"] == {figure: row[figure] for figure in ("seconds", "megabytes")}
    assert row["seconds"] > 0


def test_no_bench_is_forgotten() -> None:
    # given every module that can be started
    started = {
        file.stem
        for file in (ROOT / "bench").glob("*.py")
        if any(isinstance(part, ast.FunctionDef) and part.name == "main" for part in ast.parse(file.read_text()).body)
        or "__main__" in file.read_text()
    }
    # then (of one that has two commands test_bench_audit.py gives both)
    assert started == SMALLEST.keys() | {"audit"}


def test_a_file_that_cannot_be_written_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    ended = run_bench("data_at_scale", "--json", str(tmp_path / "missing" / "figures.json"))
    assert ended.returncode == 2
    assert "must be a file in a folder that exists" in ended.stderr


def test_a_cold_epoch_finds_no_file_in_the_page_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a photo both ways, and a user who is not root
    files = [tmp_path / "tree" / "3" / "00001.jpg", tmp_path / "shards" / "train-00000.tar"]
    for file in files:
        file.parent.mkdir(parents=True)
        file.write_bytes(b"photo")
    monkeypatch.setattr(os, "access", lambda *_: False)
    dropped = []
    monkeypatch.setattr(
        os, "posix_fadvise", lambda opened, *_: dropped.append(Path(f"/proc/self/fd/{opened}").readlink())
    )
    # when
    loader.forget(tmp_path)
    # then
    assert sorted(dropped) == sorted(files)


def test_the_loader_ends_with_the_error_of_its_child(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    # when there are no shards to load from
    with pytest.raises(ChildFailed):
        next(loader.measure(tmp_path, images=1, rounds=1, caches=["warm"], all_workers=[0]))
    # then
    assert "JobFailure" in capfd.readouterr().err
