"""Debugging as a whole: what it leaves behind, and that a training goes on without any part of it."""

import gzip
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
from watched_trainings import perceptron, train

from stocktake.debugging import packages


def test_a_watched_training_leaves_its_files_and_prints_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    train(perceptron(), tmp_path, epochs=1).evaluate_rules()
    assert {path.name for path in tmp_path.iterdir()} == {"tensors", "utilisation.csv", "rules.json"}
    output, errors = capfd.readouterr()
    assert [line for line in output.splitlines() if not line.startswith("rule:")] == []
    assert errors == ""


def test_an_interval_of_0_switches_everything_off(tmp_path: Path) -> None:
    watched = train(perceptron(), tmp_path / "output", epochs=1, save_interval=0)
    assert watched.evaluate_rules() == {}
    assert watched.debugging.utilisation() is None
    assert not any(path.name != "rules.json" for path in (tmp_path / "output").iterdir())


def test_without_smdebug_the_training_and_the_rest_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # given a process in which smdebug is not there and was never imported
    for name in [name for name in sys.modules if name.startswith(("smdebug", "stocktake.debugging."))]:
        if name.startswith("smdebug") or name.endswith(".hook"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "smdebug", None)  # type: ignore[arg-type]
    # when
    verdicts = train(perceptron(), tmp_path, epochs=2).evaluate_rules()
    # then
    assert set(verdicts) == {"overfit", "overtraining", "loss_not_decreasing"}
    assert (tmp_path / "utilisation.csv").exists()
    line, *rules = capsys.readouterr().out.splitlines()
    assert rules == [f"rule:{name}=0" for name in verdicts]
    assert line.startswith("debugging: hooks are off, so that no rule looks at tensors (ModuleNotFoundError: ")


def test_repairs_that_are_made_once_are_not_made_again() -> None:
    from stocktake.debugging.smdebug_repairs import make_smdebug_work

    make_smdebug_work()
    from smdebug.core import writer
    from smdebug.core.tfevent import event_file_writer

    before = writer.make_tensor_proto, event_file_writer._EventLoggerThread, event_file_writer.EventFileWriter.flush
    make_smdebug_work()
    after = writer.make_tensor_proto, event_file_writer._EventLoggerThread, event_file_writer.EventFileWriter.flush
    assert after == before


def test_packages_beside_the_entry_scripts_come_after_the_installed_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    monkeypatch.setattr(sys, "path", ["installed"])
    monkeypatch.setattr(packages, "BUNDLED", tmp_path / "packages")
    # when there is no such folder, and when there is one
    packages.use_bundled_packages()
    assert sys.path == ["installed"]
    (tmp_path / "packages").mkdir()
    for _ in range(2):
        packages.use_bundled_packages()
    assert sys.path == ["installed", str(tmp_path / "packages")]


def test_a_folder_that_cannot_be_written_is_no_reason_to_stop(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # given a file where the folder should be
    (tmp_path / "output").touch()
    # when
    watched = train(perceptron(), tmp_path / "output", epochs=1, trace=True)
    watched.evaluate_rules()
    # then
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("debugging: nothing can be written (FileExistsError") for line in lines)
    assert watched.debugging.utilisation() is None


def test_a_trace_shows_three_training_steps_operator_by_operator(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(perceptron(), tmp_path, epochs=1, save_interval=0, trace=True)
    events = json.loads(gzip.decompress((tmp_path / "trace.json.gz").read_bytes()))["traceEvents"]
    names = {event.get("name") for event in events}
    assert {name for name in names if str(name).startswith("ProfilerStep")} == {f"ProfilerStep#{n}" for n in (3, 4, 5)}
    assert {"aten::linear", "Optimizer.step#AdamW.step"} <= names
    assert "Self CPU time total" in capsys.readouterr().out


def test_a_training_too_short_for_a_trace_has_none(tmp_path: Path) -> None:
    train(perceptron(), tmp_path, epochs=1, examples=64, save_interval=0, trace=True)
    assert not (tmp_path / "trace.json.gz").exists()


def test_a_stand_in_for_pyinstrument_gives_way_to_the_real_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.machinery import ModuleSpec

    from stocktake.debugging.smdebug_repairs import make_smdebug_work

    real = ModuleType("pyinstrument")
    real.__spec__ = ModuleSpec("pyinstrument", None)
    monkeypatch.setitem(sys.modules, "pyinstrument", real)
    make_smdebug_work()
    assert sys.modules["pyinstrument"] is real
