"""The audit job: every bin once, as the endpoint counts it, and the same result however often it was interrupted."""

import csv
import io
import json
import re
import shutil
import tarfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import IncompleteReadError
from synthetic_shards import draw_bin

import audit
from bin_record import read_record, recorded_count
from inference import input_fn, model_fn, predict_fn
from stocktake.audit.batches import Learned, Share, read_batches, read_splits
from stocktake.audit.places import Folder, place
from stocktake.failures import JobFailure

RECORDED: dict[str, object] = {f"{number:05}": number % 3 + 1 for number in range(1, 11)}
RECORDED |= {"00011": 0, "00012": 9, "00013": "many", "00014": 2, "00015": 2}
NO_PHOTO, DAMAGED = "00014", "00015"
BATCHES = [["00001", "00011", "00002", "00003"], ["00012", "00004", "00013", "00005"], ["00014", "00006", "00015"]]
BATCHES += [["00007", "00008", "00009", "00010"]]


@pytest.fixture(scope="module")
def model(artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    with tarfile.open(folder / "model.tar.gz", "w:gz", compresslevel=1) as archive:
        archive.add(artifact, arcname=".")
    return folder


@pytest.fixture(autouse=True, scope="module")
def _loaded_once() -> Iterator[None]:
    """Unpacking and loading takes a hundred times as long as counting these bins."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit, "load_model", cache(audit.load_model))
        yield


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """A folder with a source of bins and with batches of them."""
    for folder in ("source/bin-images", "source/metadata", "batches"):
        (tmp_path / folder).mkdir(parents=True)
    for number, (name, quantity) in enumerate(RECORDED.items()):
        metadata = {"BIN_FCSKU_DATA": {}, "EXPECTED_QUANTITY": quantity}
        (tmp_path / f"source/metadata/{name}.json").write_text(json.dumps(metadata))
        (tmp_path / f"source/bin-images/{name}.jpg").write_bytes(draw_bin(number % 3 + 1, seed=number))
    (tmp_path / f"source/bin-images/{NO_PHOTO}.jpg").unlink()
    (tmp_path / f"source/bin-images/{DAMAGED}.jpg").write_bytes(b"no photo")
    for number, names in enumerate(BATCHES):
        (tmp_path / f"batches/{number:05}.json").write_text(json.dumps(names))
    return tmp_path


def run(given: Path, model: Path, results: Folder | None = None, share: Share = Share()) -> Path:  # noqa: B008
    results = results or Folder(given / "results")
    audit.audit(model, given / "batches", Folder(given / "source"), results, share)
    return results.path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def rows(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((folder / audit.TABLE).read_text(), newline="")))


def test_every_bin_is_counted_once_as_the_endpoint_counts_it(given: Path, model: Path, artifact: Path) -> None:
    # when
    table = {row["id"]: row for row in rows(run(given, model))}
    # then each photo has the endpoint's count, also those whose record the model does not know
    assert sorted(table) == sorted(RECORDED)
    served = model_fn(artifact, "float32")
    for name in RECORDED.keys() - {NO_PHOTO, DAMAGED}:
        photo = (given / f"source/bin-images/{name}.jpg").read_bytes()
        answer, row = predict_fn(input_fn(photo, ""), served), table[name]
        assert int(row["counted"]) == answer["count"]
        shares = [float(row[f"probability_{label}"]) for label in (1, 2, 3)]
        assert shares == pytest.approx(answer["probabilities"], abs=1e-5)
        if row["outcome"] == "scored":
            assert 0 < float(row["wrong"]) < 1


def test_what_cannot_be_scored_is_told_apart_and_comes_last(given: Path, model: Path) -> None:
    table = rows(run(given, model))
    others = [(row["id"], row["outcome"], row["recorded"], row["rank"], row["wrong"]) for row in table[10:]]
    assert others == [
        ("00012", "above", "9", "", ""),
        ("00011", "below", "0", "", ""),
        (NO_PHOTO, "no-photo", "2", "", ""),
        (DAMAGED, "no-photo", "2", "", ""),
        ("00013", "no-record", "", "", ""),
    ]
    assert [row["reason"] != "" for row in table[10:]] == [False, False, True, True, False]
    assert "not a JPEG or PNG" in table[13]["reason"]


def test_the_records_that_are_most_probably_wrong_come_first_and_are_summed_up(given: Path, model: Path) -> None:
    folder = run(given, model)
    table = rows(folder)[:10]
    assert [row["rank"] for row in table] == [str(place) for place in range(1, 11)]
    assert all(row["outcome"] == "scored" for row in table)
    scores = [float(row["wrong"]) for row in table]
    assert scores == sorted(scores, reverse=True)
    # the less probable the recorded count is
    probabilities = [float(row[f"probability_{row['recorded']}"]) for row in table]
    assert probabilities == sorted(probabilities)
    summary = json.loads((folder / audit.SUMMARY).read_text())
    assert summary["bins"] == 15
    assert summary["outcomes"] == {"above": 1, "below": 1, "no-photo": 2, "no-record": 1, "scored": 10}
    assert {count: of["bins"] for count, of in summary["byRecorded"].items()} == {"1": 3, "2": 4, "3": 3}
    assert sum(of["expectedWrong"] for of in summary["byRecorded"].values()) == pytest.approx(sum(scores), rel=1e-4)
    assert summary["errorRate"]["bins"] == 10
    otherwise = sum(row["counted"] != row["recorded"] for row in table)
    assert sum(of["countedOtherwise"] for of in summary["byRecorded"].values()) == otherwise


def run_with(given: Path, model: Path, learned: Learned) -> Path:
    results = Folder(given / "results")
    audit.audit(model, given / "batches", Folder(given / "source"), results, Share(), learned)
    return results.path


def test_bins_that_the_model_was_made_from_are_told_and_do_not_tell_how_many_records_are_wrong(
    given: Path, model: Path
) -> None:
    # given the list of the model's dataset
    (given / "learned").mkdir()
    splits = {"train": {"00001": ["00001", "00002"]}, "valid": {"00004": ["00004"]}}
    (given / "learned/splits.json").write_text(json.dumps(splits))
    # when
    folder = run_with(given, model, Learned(read_splits(given / "learned"), known=True))
    # then
    told = {row["id"]: row["split"] for row in rows(folder) if row["split"]}
    assert told == {"00001": "train", "00002": "train", "00004": "valid"}
    summary = json.loads((folder / audit.SUMMARY).read_text())
    assert (summary["outcomes"]["scored"], summary["errorRate"]["bins"]) == (10, 7)
    assert "7 bins that the model has not learned from" in (folder / audit.PAGE).read_text()
    # and a damaged list is named
    (given / "learned/splits.json").write_text("[")
    with pytest.raises(JobFailure, match="The list of the bins that the model was made from cannot be read"):
        read_splits(given / "learned")


def test_where_nobody_knows_what_the_model_was_made_from_nothing_is_claimed(given: Path, model: Path) -> None:
    folder = run(given, model)
    assert json.loads((folder / audit.SUMMARY).read_text())["errorRate"]["learnedKnown"] is False
    page = (folder / audit.PAGE).read_text()
    assert "It is not known which of them the model has learned from" in page
    assert "that the model has not learned from" not in page


def test_of_bins_that_are_all_learned_nothing_is_estimated(given: Path, model: Path) -> None:
    page = (run_with(given, model, Learned(dict.fromkeys(RECORDED, "train"), known=True)) / audit.PAGE).read_text()
    assert "How many records are wrong cannot be estimated" in page
    assert "by the model&#39;s estimate" not in page
    assert "by the model's estimate" not in page


def test_the_page_shows_the_photos_of_the_first_bins_and_stands_alone(given: Path, model: Path) -> None:
    folder = run(given, model)
    page, table = (folder / audit.PAGE).read_text(), rows(folder)
    assert page.count('src="data:image/jpeg;base64,') == 10
    assert page.index(f'alt="bin {table[0]["id"]}"') < page.index(f'alt="bin {table[9]["id"]}"')
    assert "recorded count above what the model knows" in page
    assert not re.search(r"(src|href)=\"(?!data:)", page)


class Killed(BaseException):
    pass


class EndsHalfWay(Folder):
    """The process is killed at a write: nothing of it is there, or a partial file is."""

    def __init__(self, path: Path, writes: int) -> None:
        super().__init__(path)
        self.writes = writes

    def write(self, name: str, content: bytes) -> None:
        if not self.writes:
            (self.path / name).with_name(f".{Path(name).name}.partial").write_bytes(content[:20])
            raise Killed
        self.writes -= 1
        super().write(name, content)


@pytest.mark.parametrize(
    "writes", [2, 3, 5, 6, 7], ids=["in a part", "in the next", "in the table", "in the page", "in the summary"]
)
def test_one_that_was_killed_goes_on_to_the_identical_output(given: Path, model: Path, writes: int) -> None:
    # given the output of one that was not
    expected = contents(run(given, model, Folder(given / "uninterrupted")))
    # when it is killed, and what it has counted by then cannot be counted again
    with pytest.raises(Killed):
        run(given, model, EndsHalfWay(given / "results", writes))
    done = [int(file.stem.removeprefix("part-")) for file in (given / "results/parts").glob("part-*.csv")]
    assert len(done) == min(writes - 1, 4)
    for name in (name for number in done for name in BATCHES[number]):
        (given / f"source/metadata/{name}.json").unlink()
    # then
    found = contents(run(given, model))
    assert {name: content for name, content in found.items() if not name.endswith(".partial")} == expected


def test_instances_share_the_batches_and_the_last_one_ranks_them(given: Path, model: Path) -> None:
    expected = contents(run(given, model, Folder(given / "alone")))
    first = run(given, model, share=Share(1, 2))
    assert sorted(contents(first)) == ["begun.json", "parts/part-00001.csv", "parts/part-00003.csv"]
    assert contents(run(given, model, share=Share(0, 2))) == expected


def test_results_of_another_model_are_not_mixed(given: Path, model: Path, tmp_path: Path) -> None:
    run(given, model)
    # given the same model packed anew, and another list of bins
    other = tmp_path / "other"
    other.mkdir()
    (other / "model.tar.gz").write_bytes((model / "model.tar.gz").read_bytes() + bytes(512))
    (given / "batches/00000.json").write_text('["00001"]')
    with pytest.raises(JobFailure, match="begun with another model and another batches"):
        run(given, other)


def test_the_job_runs_as_sagemaker_starts_it(given: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given the second of two instances
    output = given / "opt/ml/processing/output"
    for folder in ("opt/ml/config", "opt/ml/output", "opt/ml/processing/output"):
        (given / folder).mkdir(parents=True)
    hosts = {"current_host": "algo-2", "hosts": ["algo-2", "algo-1"]}
    (given / "opt/ml/config/resourceconfig.json").write_text(json.dumps(hosts))
    options = {"model": model, "precision": "bfloat16", "batches": given / "batches"}
    options |= {"source": given / "source", "output": output}
    arguments = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
    monkeypatch.setattr("sys.argv", ["audit.py", *arguments])
    # when
    audit.main()
    # then
    assert sorted(file.name for file in (output / "parts").iterdir()) == ["part-00001.csv", "part-00003.csv"]
    assert json.loads((output / "begun.json").read_text())["precision"] == "bfloat16"
    # and a failure is left where SageMaker shows it
    shutil.rmtree(given / "batches")
    with pytest.raises(SystemExit):
        audit.main()
    assert (given / "opt/ml/output/message").read_text().startswith("There is no batch of bins in ")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[", "00003.json is damaged"),
        ('{"00001": 1}', "00003.json is no list"),
        ("[1]", "00003.json is no list"),
        ('["../00001"]', "00003.json is no list"),
        ('["00001"]', "1 bins are in the batches more than once, such as 00001"),
    ],
)
def test_batches_that_cannot_be_audited_are_named(given: Path, content: str, said: str) -> None:
    (given / "batches/00003.json").write_text(content)
    with pytest.raises(JobFailure, match=said):
        read_batches(given / "batches")


@pytest.mark.parametrize(
    ("metadata", "count"),
    [
        (b'{"BIN_FCSKU_DATA": {}, "EXPECTED_QUANTITY": 12}', 12),
        (b'{"BIN_FCSKU_DATA": {}, "EXPECTED_QUANTITY": true}', None),
        (b'{"BIN_FCSKU_DATA": {}, "EXPECTED_QUANTITY": -1}', None),
        (b'{"BIN_FCSKU_DATA": {}, "EXPECTED_QUANTITY": 2.0}', None),
        (b'{"BIN_FCSKU_DATA": [], "EXPECTED_QUANTITY": 2}', None),
        (b'{"EXPECTED_QUANTITY": 2}', None),
        (b"[" * 100_000, None),
        (b"\xff", None),
        (b"3", None),
    ],
)
def test_the_recorded_count_is_what_the_dataset_reads(metadata: bytes, count: int | None) -> None:
    from bins.metadata import parse

    assert recorded_count(read_record(metadata)) == count == parse(metadata).quantity


class BreaksOff:
    def read(self) -> bytes:
        raise IncompleteReadError(actual_bytes=1, expected_bytes=2)


class OneBucket:
    """S3, at the edge: a bucket's objects, listed in pages of two."""

    class exceptions:
        class NoSuchKey(Exception):
            pass

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.breaks_off = 0

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        assert Bucket == "data"
        if self.breaks_off:
            self.breaks_off -= 1
            return {"Body": BreaksOff()}
        if Key not in self.objects:
            raise self.exceptions.NoSuchKey
        return {"Body": io.BytesIO(self.objects[Key])}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> None:
        assert Bucket == "data"
        self.objects[Key] = Body

    def get_paginator(self, _action: str) -> "OneBucket":
        return self

    def paginate(self, *, Bucket: str, Prefix: str, Delimiter: str) -> Iterator[dict[str, Any]]:
        assert Bucket == "data"
        keys = [key for key in sorted(self.objects) if key.startswith(Prefix) and Delimiter not in key[len(Prefix) :]]
        yield from ({"Contents": [{"Key": key} for key in keys[at : at + 2]]} for at in range(0, len(keys), 2))
        yield {}


def test_a_prefix_in_s3_is_a_place_as_a_folder_is(given: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = OneBucket()
    monkeypatch.setattr("boto3.client", lambda *_names, **_options: bucket)
    for name, content in contents(given / "source").items():
        bucket.objects[f"bins/{name}"] = content
    # when
    audit.audit(model, given / "batches", place("s3://data/bins/"), place("s3://data/audits/1"), Share())
    # then
    found = {key.removeprefix("audits/1/"): of for key, of in bucket.objects.items() if key.startswith("audits/")}
    assert found == contents(run(given, model))
    # and one that is started again finds every part
    for name in contents(given / "source"):
        del bucket.objects[f"bins/{name}"]
    audit.audit(model, given / "batches", place("s3://data/bins/"), place("s3://data/audits/1"), Share())
    assert bucket.objects["audits/1/audit.csv"] == found["audit.csv"]


def test_a_body_that_breaks_off_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = OneBucket()
    monkeypatch.setattr("boto3.client", lambda *_names, **_options: bucket)
    bucket.objects["bins/a"] = b"whole"
    # given one that breaks off twice
    bucket.breaks_off = 2
    assert place("s3://data/bins").read("a") == b"whole"
    # and one that goes on to do so
    bucket.breaks_off = 99
    with pytest.raises(IncompleteReadError):
        place("s3://data/bins").read("a")
