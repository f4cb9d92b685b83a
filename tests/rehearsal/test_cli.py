"""Bad arguments: one sentence, exit code 2, nothing started."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from rehearsal import cli, deploy, session
from rehearsal.data_bucket import local_weights


@pytest.fixture
def bins(tmp_path: Path) -> Path:
    for name in ("bin-images", "metadata"):
        (tmp_path / "bins" / name).mkdir(parents=True)
    return tmp_path / "bins"


@pytest.fixture(autouse=True)
def nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    def started(*_: object) -> None:
        pytest.fail("A rehearsal was started in spite of bad arguments.")

    monkeypatch.setattr(session, "work_folder", started)


def refused(capsys: pytest.CaptureFixture[str], *argv: object) -> str:
    assert cli.main([str(argument) for argument in argv]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    return captured.err


def test_a_source_that_does_not_exist(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    message = refused(capsys, "run", "--source", tmp_path / "none")
    assert "--source" in message
    assert "is no folder" in message


def test_a_source_without_metadata(capsys: pytest.CaptureFixture[str], bins: Path) -> None:
    (bins / "metadata").rmdir()
    assert "has no folder metadata" in refused(capsys, "run", "--source", bins)


@pytest.mark.parametrize(
    ("text", "says"),
    [("{", "is no JSON"), ("[1]", "holds list"), ('{"weights": "none.pth"}', "there is no such file")],
)
def test_an_input_that_is_no_json_object(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, says: str
) -> None:
    (tmp_path / "input.json").write_text(text)
    message = refused(capsys, "run", "--input", tmp_path / "input.json")
    assert "--input" in message
    assert says in message


def test_an_input_file_that_does_not_exist(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "cannot be read" in refused(capsys, "run", "--input", tmp_path / "none.json")


def test_a_result_in_a_folder_that_does_not_exist(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "--result" in refused(capsys, "run", "--result", tmp_path / "none" / "result.json")


def test_a_setting_without_a_value(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--context: name was given" in refused(capsys, "run", "-c", "name")


def test_settings_reach_the_synth_after_those_of_a_rehearsal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # Given settings, one of which a rehearsal sets as well, Then cdk gets them last, and the last counts.
    asked: list[session.Request] = []
    monkeypatch.setattr(cli, "rehearse", lambda request, _: asked.append(request))
    monkeypatch.setattr(deploy.processes, "aws_environment", lambda _: {})
    cli.main(["run", "-c", "name=team", "--context", 'tags={"team": "a=b"}', "-c", "pollSeconds=30"])
    argv = deploy.Cdk(tmp_path, asked[0].context).synth().argv
    given = [value for option, value in pairwise(argv) if option == "-c"]
    assert given == ["pollSeconds=10", "name=team", 'tags={"team": "a=b"}', "pollSeconds=30"]


def test_bins_are_not_drawn_over_other_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("")
    assert "is not empty" in refused(capsys, "bins", tmp_path)
    assert "--count: 0" in refused(capsys, "bins", tmp_path / "new", "--count", 0)


def test_bins_are_drawn(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert cli.main(["bins", str(tmp_path / "new"), "--count", "3", "--seed", "7"]) == 0
    assert sorted(path.name for path in (tmp_path / "new" / "metadata").iterdir())[0] == "00001.json"


@pytest.mark.parametrize("weights", ["imagenet", "none", "s3://bucket/trunk.pth", None, 3])
def test_only_a_path_counts_as_local_weights(weights: object) -> None:
    assert local_weights({"weights": weights}) is None
    assert local_weights(json.loads('{"weights": "trunk.pth"}')) == Path("trunk.pth")


def test_an_address_without_a_rehearsal_ends_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["mutations", "http://127.0.0.1:1"]) == 2
    assert "http://127.0.0.1:1 is no rehearsal that serves" in capsys.readouterr().err
