"""Photos as they come, at the deployed application's own doors: the live endpoint, and the source of an execution."""

from __future__ import annotations

import io
import json
import tarfile
from typing import Any

import pytest
from botocore.exceptions import ClientError
from PIL import Image, ImageChops, ImageStat

from photo_file import squashed
from tests.hard_photos import ODD_EXIF, cut_with_end, of_many_scans, picture, saved, with_wrong_checksum
from tests.rehearsal.end_to_end.kept_rehearsal import INPUT, Kept

WHOLE = saved(picture(300, 200), quality=90)
PNG = saved(picture(300, 200), "PNG")
DAMAGED = {
    "half of a JPEG with an end": cut_with_end(WHOLE, 0.5),
    "tenth of a JPEG with an end": cut_with_end(WHOLE, 0.1),
    "PNG with a wrong checksum": with_wrong_checksum(PNG, b"IDAT"),
}
MANY_SCANS = of_many_scans(1500, 7000, 7000)
LARGE = saved(Image.new("RGB", (8000, 6000), "tan"), quality=50)


def invoke(kept: Kept, body: bytes, **request: str) -> dict[str, Any]:
    """The endpoint's answer, or with `status` and `error` what it refused with."""
    try:
        answer = kept.client("sagemaker-runtime").invoke_endpoint(EndpointName="stocktake", Body=body, **request)
    except ClientError as refused:
        response: Any = refused.response
        return {"status": response["OriginalStatusCode"], **json.loads(response["OriginalMessage"])}
    return dict(json.loads(answer["Body"].read()))


@pytest.mark.parametrize("name", ODD_EXIF)
def test_a_photo_with_a_tag_of_another_type_is_counted_upright(kept: Kept, name: str) -> None:
    upright = saved(picture(300, 200).rotate(-90, expand=True), "PNG")
    turned = saved(picture(300, 200), "PNG", exif=ODD_EXIF[name])
    assert invoke(kept, turned, ContentType="image/png") == invoke(kept, upright, ContentType="image/png")
    assert "count" in invoke(kept, saved(picture(300, 200), exif=ODD_EXIF[name]), ContentType="image/jpeg")


@pytest.mark.parametrize(
    ("body", "status"),
    [*((photo, 400) for photo in DAMAGED.values()), (MANY_SCANS, 413)],
    ids=[*DAMAGED, "1,500 scans"],
)
def test_a_photo_that_only_looks_whole_or_is_too_much_work_is_refused(kept: Kept, body: bytes, status: int) -> None:
    refused = invoke(kept, body, ContentType="application/octet-stream")
    assert refused["status"] == status
    assert refused["error"].endswith(".")


def test_a_photo_of_48_megapixels_is_counted(kept: Kept) -> None:
    assert "count" in invoke(kept, LARGE, ContentType="image/jpeg")


@pytest.mark.parametrize(
    "request_",
    [
        {"ContentType": "image/jpg"},
        {"ContentType": "application/octet-stream"},
        {},
        {"ContentType": "IMAGE/JPEG; charset=binary", "Accept": "Application/JSON"},
        {"ContentType": "image/jpeg", "Accept": "text/html, application/json;q=0.1"},
    ],
    ids=["jpg", "any bytes", "none", "capitals", "weights"],
)
@pytest.mark.parametrize("body", [WHOLE, PNG], ids=["JPEG", "PNG"])
def test_the_bytes_decide_where_headers_say_little(kept: Kept, body: bytes, request_: dict[str, str]) -> None:
    assert "count" in invoke(kept, body, **request_)


def test_in_a_source_each_is_packed_upright_or_rejected_by_its_name(kept: Kept, allowed_bucket: str) -> None:
    # given a source of good bins, hard ones, and bad ones
    storage = kept.client("s3")
    storage.create_bucket(Bucket=allowed_bucket)
    sideways = [saved(picture(300, 200), exif=exif) for exif in ODD_EXIF.values()]
    photos = {number: saved(picture(300, 200), comment=str(number)) for number in range(1, 151)}
    photos |= dict(enumerate([*sideways, LARGE], 201)) | dict(enumerate([*DAMAGED.values(), MANY_SCANS], 211))
    for number, photo in photos.items():
        count = 1 + number % 5
        metadata = {"BIN_FCSKU_DATA": {f"B{number}": {"quantity": count}}, "EXPECTED_QUANTITY": count}
        files = {f"metadata/{number:05d}.json": json.dumps(metadata).encode(), f"bin-images/{number:05d}.jpg": photo}
        for key, body in files.items():
            storage.put_object(Bucket=allowed_bucket, Key=f"hard/{key}", Body=body)
    # when no reject is tolerated, which ends the execution behind Pack
    dataset = INPUT["dataset"] | {"source": f"s3://{allowed_bucket}/hard", "maximumRejects": 0}
    ended = kept.execute(INPUT | {"dataset": dataset}, "FAILED")
    # then the bad ones alone are named, and the hard ones are in the shards, upright
    assert ended["error"] == "TooManyRejects"
    assert "4 of 159 wanted bins" in ended["cause"]
    assert "3 damaged image (bins 00211, 00212, 00213); 1 image too large (bin 00214)" in ended["cause"]
    shards = packed(kept)
    assert len(shards) == 155
    # A square shows by its sides alone no longer which way it was turned.
    upright = squashed(sideways[0], 32)
    for number in range(201, 205):
        difference = ImageChops.difference(squashed(shards[f"{number:05d}"], 32), upright)
        assert max(ImageStat.Stat(difference).mean) < 3
    assert "00205" in shards


def packed(kept: Kept) -> dict[str, bytes]:
    """The photos in the shards that were written last."""
    storage, bucket = kept.client("s3"), kept.result["output"]["dataset"]["uri"].split("/")[2]
    pages = storage.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="datasets/")
    shards = {item["Key"]: item for page in pages for item in page["Contents"] if item["Key"].endswith(".tar")}
    last = max(shards, key=lambda key: shards[key]["LastModified"]).split("/")[1]
    found = {}
    for key in shards:
        if key.split("/")[1] == last:
            content = storage.get_object(Bucket=bucket, Key=key)["Body"].read()
            with tarfile.open(fileobj=io.BytesIO(content)) as archive:
                files = {member.name: archive.extractfile(member) for member in archive}
                found |= {
                    name.removesuffix(".jpg"): file.read()
                    for name, file in files.items()
                    if file and name.endswith(".jpg")
                }
    return found
