"""What a rehearsal puts into the data bucket and takes out of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rehearsal import data_bucket
from tests.rehearsal.emulator import Emulator

BUCKET = "data-bucket"


@pytest.fixture(autouse=True)
def bucket(aws: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint_url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "rehearsal")
    aws.client("s3").create_bucket(Bucket=BUCKET)


def test_local_weights_are_staged_and_others_left_alone(aws: Emulator, tmp_path: Path) -> None:
    # given an input with a local weights file, when it is staged
    (tmp_path / "trunk.pth").write_bytes(b"weights")
    staged = data_bucket.stage_weights(BUCKET, {"seed": 1, "weights": str(tmp_path / "trunk.pth")})
    # then the input names the uploaded object, and nothing else of it changed
    assert staged == {"seed": 1, "weights": f"s3://{BUCKET}/weights/trunk.pth"}
    assert aws.client("s3").get_object(Bucket=BUCKET, Key="weights/trunk.pth")["Body"].read() == b"weights"
    assert data_bucket.stage_weights(BUCKET, {"weights": "none"}) == {"weights": "none"}


def test_a_sample_comes_with_its_true_count(aws: Emulator) -> None:
    # given a report whose predictions tell the counts of two photos, one of which was kept
    s3 = aws.client("s3")
    rows = [{"id": "1", "count": 4, "predicted": 2}, {"id": "00001", "count": 3, "predicted": 3}]
    s3.put_object(Bucket=BUCKET, Key="reports/a/predictions.jsonl", Body="\n".join(map(json.dumps, rows)).encode())
    s3.put_object(Bucket=BUCKET, Key="reports/a/samples/00001.jpg", Body=b"photo")
    # when a sample is taken
    report = data_bucket.Report.of(f"s3://{BUCKET}/reports/a/report.html")
    # then it is that photo with its own count
    assert report.sample() == ("00001", b"photo", 3)


def test_the_page_of_the_latest_execution_is_downloaded(aws: Emulator, tmp_path: Path) -> None:
    # given a bucket without one, then there is no file and no failure
    data_bucket.download_page(BUCKET, tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()
    # given one beside an evaluation's report, then it is that one
    aws.client("s3").put_object(Bucket=BUCKET, Key="reports/b/report.html", Body=b"evaluation")
    aws.client("s3").put_object(Bucket=BUCKET, Key="reports/b/index.html", Body=b"execution")
    data_bucket.download_page(BUCKET, tmp_path / "page.html")
    assert (tmp_path / "page.html").read_bytes() == b"execution"


def test_every_object_is_exported(aws: Emulator, tmp_path: Path) -> None:
    keys = {f"exported/{number:04d}.json" for number in range(3)}
    for key in keys:
        aws.client("s3").put_object(Bucket=BUCKET, Key=key, Body=key.encode())
    copied = data_bucket.export(BUCKET, tmp_path / "out")
    files = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert keys <= files
    assert copied == len(files)
    assert all((tmp_path / "out" / key).read_text() == key for key in keys)
