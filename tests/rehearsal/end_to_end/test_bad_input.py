"""Bad input to the deployed state machine and to the live endpoint: a sentence each, and both go on."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from PIL import Image

from tests.rehearsal.end_to_end.kept_rehearsal import INPUT, SOURCE, Kept


def jobs(kept: Kept) -> int:
    return len(kept.client("sagemaker").list_training_jobs(MaxResults=100)["TrainingJobSummaries"])


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        ({"datset": {}}, "datset: unknown field; did you mean dataset?"),
        ({"dataset": {"fraction": "0.02"}}, 'dataset.fraction: "0.02" was given; must be a number'),
        ({"dataset": {"fraction": 0}}, "dataset.fraction: 0 was given; must be a number greater than 0 and at most 1"),
        ({"dataset": {"fraction": 1.5}}, "dataset.fraction: 1.5 was given; must be"),
        ({"dataset": {"split": {"train": 0.9, "valid": 0.2, "test": 0.1}}}, "that sum to 1; these sum to 1.2"),
        ({"dataset": {"minCount": 5, "maxCount": 1}}, "whose minCount is less than its maxCount"),
        ({"architectures": ["resnet999"]}, 'architectures: ["resnet999"] was given; must be a list of one or more'),
        ({"hyperparameters": {"batchSize": 0}}, "hyperparameters.batchSize: 0 was given; must be an integer from 1"),
        ({"hyperparameters": {"learningRate": -1}}, "hyperparameters.learningRate: -1 was given; must be a number"),
        ({"training": {"instanceType": "m5.large"}}, 'training.instanceType: "m5.large" was given; must be'),
        ({"training": {"instanceType": "ml.r5.tiny"}}, 'training.instanceType: "ml.r5.tiny" was given; must be'),
        ({"training": {"maxRunSeconds": 100, "maxWaitSeconds": 50}}, "maxWaitSeconds"),
        ({"dataset": {"source": "s3://somebody-elses"}}, "must be added to the setting sourceBuckets"),
        ({"dataset": {"files": "s3://elsewhere/l.json"}}, "copy the file there (aws s3 cp s3://elsewhere/l.json s3://"),
        ({"dataset": {"files": "s3://lists/l.json", "fraction": 1}}, "an object with fraction or files, not both"),
        ([1, 2], "input: [1, 2] was given; must be a JSON object"),
    ],
)
def test_the_execution_ends_with_a_sentence_before_any_job(kept: Kept, given: Any, cause: str) -> None:
    before = jobs(kept)
    ended = kept.execute(given, "FAILED")
    assert ended["error"] == "InvalidInput"
    assert ended["cause"].startswith("Plan: ")
    assert cause in ended["cause"]
    assert jobs(kept) == before


def test_a_source_bucket_that_does_not_exist_is_named(kept: Kept, allowed_bucket: str) -> None:
    ended = kept.execute({"dataset": {"source": f"s3://{allowed_bucket}"}}, "FAILED")
    assert ended["error"] == "SourceNotFound"
    assert f"s3://{allowed_bucket}" in ended["cause"]


def test_an_empty_source_is_named(kept: Kept) -> None:
    ended = kept.execute({"dataset": {"source": f"s3://{SOURCE}/nothing/here"}}, "FAILED")
    assert ended["error"] == "EmptySource"
    assert f"s3://{SOURCE}/nothing/here" in ended["cause"]


def test_a_source_without_a_usable_image_fails_before_any_job(kept: Kept, allowed_bucket: str) -> None:
    # given forty bins with good metadata whose photos are no photos
    storage, before = kept.client("s3"), jobs(kept)
    storage.create_bucket(Bucket=allowed_bucket)
    for number in range(1, 41):
        count = 1 + number % 5
        metadata = {"BIN_FCSKU_DATA": {f"B{number}": {"quantity": count}}, "EXPECTED_QUANTITY": count}
        storage.put_object(
            Bucket=allowed_bucket, Key=f"zips/metadata/{number:05d}.json", Body=json.dumps(metadata).encode()
        )
        content = b"PK\x03\x04 no photo %d" % number
        storage.put_object(Bucket=allowed_bucket, Key=f"zips/bin-images/{number:05d}.jpg", Body=content)
    # when
    ended = kept.execute(INPUT | {"dataset": INPUT["dataset"] | {"source": f"s3://{allowed_bucket}/zips"}}, "FAILED")
    # then the error is named, and says what was wrong with them
    assert ended["error"] in {"NoUsableImages", "TooManyRejects"}
    assert "image" in ended["cause"]
    assert jobs(kept) == before


HEAD = INPUT | {"trainable": "head"}


def test_copies_and_wrong_labels_of_a_source_are_told(kept: Kept, allowed_bucket: str) -> None:
    # given bins, one that has the photo of another and its own count, and one whose items are not as many as it says
    storage = kept.client("s3")
    storage.create_bucket(Bucket=allowed_bucket)

    def put(name: str, photo_of: str, count: int, items: int) -> None:
        taken = {"Bucket": SOURCE, "Key": f"bin-images/{photo_of}.jpg"}
        storage.copy_object(Bucket=allowed_bucket, Key=f"copied/bin-images/{name}.jpg", CopySource=taken)
        metadata = {"BIN_FCSKU_DATA": {f"B{name}": {"quantity": items}}, "EXPECTED_QUANTITY": count}
        storage.put_object(
            Bucket=allowed_bucket, Key=f"copied/metadata/{name}.json", Body=json.dumps(metadata).encode()
        )

    for number in range(60, 84):
        put(f"{number:05d}", f"{number:05d}", 1 + number % 2, 1 + number % 2)
    put("00060", "00060", 1, 2)
    put("00099", "00070", 2, 2)
    # when, for a model that is not released
    given = INPUT["dataset"] | {"source": f"s3://{allowed_bucket}/copied", "maxCount": 2}
    output = json.loads(kept.execute(INPUT | {"dataset": given, "release": {"minimumAccuracy": 1}})["output"])
    # then
    bucket, _, prefix = output["dataset"]["uri"].removeprefix("s3://").partition("/")
    card = json.load(storage.get_object(Bucket=bucket, Key=f"{prefix}/card.json")["Body"])
    assert card["wrongLabels"] == {"count": 1, "examples": ["00060"]}
    assert card["copies"]["examples"] == [[{"id": "00070", "count": 1}, {"id": "00099", "count": 2}]]


def listed(bins: list[str]) -> dict[str, Any]:
    """The well-known shape of a list."""
    return {"1": [f"data/metadata/{name}.json" for name in bins[::2]], "2": bins[1::2]}


def test_a_list_of_bins_in_the_data_bucket_is_taken(kept: Kept) -> None:
    # given a list of bins of the source, and one that it does not have
    storage, bucket = kept.client("s3"), kept.result["output"]["dataset"]["uri"].split("/")[2]
    bins = [f"{number:05d}" for number in range(1, 121)]
    body = json.dumps(listed([*bins, "99999"])).encode()
    storage.put_object(Bucket=bucket, Key="lists/file_list.json", Body=body)
    chosen = {"fraction": None, "files": f"s3://{bucket}/lists/file_list.json"}
    # when, for a model that is not released
    asked = INPUT | {"dataset": INPUT["dataset"] | chosen, "release": {"minimumAccuracy": 1}}
    output = json.loads(kept.execute(asked)["output"])
    # then
    dataset = output["dataset"]
    assert output["decision"] == "rejected"
    assert dataset["rejected"]["not in the source"] == 1
    known = sum(sum(counts.values()) for counts in dataset["counts"].values())
    assert known + sum(dataset["rejected"].values()) == len(bins) + 1


def test_a_damaged_list_of_bins_ends_the_execution(kept: Kept) -> None:
    storage, bucket = kept.client("s3"), kept.result["output"]["dataset"]["uri"].split("/")[2]
    storage.put_object(Bucket=bucket, Key="lists/damaged.json", Body=b'{"1": ["00001"')
    chosen = {"fraction": None, "files": f"s3://{bucket}/lists/damaged.json"}
    ended = kept.execute(INPUT | {"dataset": INPUT["dataset"] | chosen}, "FAILED")
    assert ended["error"] == "InvalidInput"
    assert "it is no JSON" in ended["cause"]


def test_a_jobs_own_sentence_is_the_executions_cause(kept: Kept) -> None:
    # given a weights file that is none
    storage, bucket = kept.client("s3"), kept.result["output"]["dataset"]["uri"].split("/")[2]
    storage.put_object(Bucket=bucket, Key="weights/junk.pth", Body=b"no weights")
    # when it is trained from, whether by a training job or first by the job that extracts features
    for asked, state in ((INPUT, "Train"), (HEAD, "Extract features")):
        ended = kept.execute(asked | {"weights": f"s3://{bucket}/weights/junk.pth"}, "FAILED")
        # then the sentence that the job wrote for people is there
        assert "Weights file junk.pth is no state_dict saved by torch.save." in ended["cause"]
        assert ended["cause"].startswith(f"{state}: ")


def test_a_trials_own_sentence_is_the_executions_cause(kept: Kept) -> None:
    # given a weights file that is none
    storage, bucket = kept.client("s3"), kept.result["output"]["dataset"]["uri"].split("/")[2]
    storage.put_object(Bucket=bucket, Key="weights/junk.pth", Body=b"no weights")
    tuning = {"enabled": True, "maxJobs": 2, "ranges": {"epochs": [1, 2]}}
    # when every trial fails
    ended = kept.execute(INPUT | {"weights": f"s3://{bucket}/weights/junk.pth", "tuning": tuning}, "FAILED")
    # then the first one's reason is told
    assert ended["error"] == "NoFinishedTrial"
    assert "Weights file junk.pth is no state_dict saved by torch.save." in ended["cause"]


def test_a_count_that_nothing_holds_ends_the_execution_before_any_job(kept: Kept) -> None:
    before = jobs(kept)
    # given a source in which nothing holds nine items
    ended = kept.execute(INPUT | {"dataset": INPUT["dataset"] | {"maxCount": 9}}, "FAILED")
    assert ended["error"] == "EmptyClass"
    assert "the train split has no image with" in ended["cause"]
    assert jobs(kept) == before


def encoded(image: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


JPEG = encoded(Image.new("RGB", (300, 200), "tan"), "JPEG")


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", "image/jpeg", 400),
        (b"how many items?", "image/jpeg", 400),
        (JPEG[: len(JPEG) // 2], "image/jpeg", 400),
        (encoded(Image.new("RGB", (1, 1)), "JPEG"), "image/jpeg", 422),
        (encoded(Image.new("1", (20_000, 20_000)), "PNG"), "image/png", 413),
        (JPEG, "text/csv", 415),
    ],
    ids=["empty", "text", "truncated", "one pixel", "bomb", "content type"],
)
def test_the_endpoint_refuses_with_a_sentence_and_goes_on(
    kept: Kept, body: bytes, content_type: str, status: int
) -> None:
    # when
    runtime = kept.client("sagemaker-runtime")
    with pytest.raises(ClientError) as refused:
        runtime.invoke_endpoint(EndpointName="stocktake", ContentType=content_type, Body=body)
    # then
    response = refused.value.response
    assert response["Error"]["Code"] == "ModelError"
    assert response["OriginalStatusCode"] == status
    assert json.loads(response["OriginalMessage"])["error"].endswith(".")
    assert kept.ask(kept.photo())["labels"] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (encoded(Image.new("CMYK", (300, 200)), "JPEG"), "image/jpeg"),
        (encoded(Image.new("I;16", (300, 200), 40_000), "PNG"), "image/png"),
        (JPEG, "application/x-image"),
    ],
    ids=["CMYK", "16 bit", "x-image"],
)
def test_the_endpoint_answers_unusual_images(kept: Kept, body: bytes, content_type: str) -> None:
    runtime = kept.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(EndpointName="stocktake", ContentType=content_type, Body=body)
    probabilities = json.loads(answer["Body"].read())["probabilities"]
    assert sum(probabilities) == pytest.approx(1, abs=1e-5)
