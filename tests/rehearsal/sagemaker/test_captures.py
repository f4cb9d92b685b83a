"""Data capture writes a share of the requests with their answers, in the endpoint's role, until it is switched off."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.rehearsal.emulator import ROLE, Emulator
from tests.rehearsal.sagemaker import bucket as bucket_
from tests.rehearsal.sagemaker.bucket import Bucket
from tests.rehearsal.sagemaker.serving_model import put_model, settled

PHOTO = b"\xff\xd8\xff a photo"


def configure(sagemaker: Any, bucket: Bucket, name: str, percent: int | None, word: str = "first") -> None:
    container = {"Image": "ray", "ModelDataUrl": put_model(bucket, word)}
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    variant = {"VariantName": "live", "ModelName": name, "InstanceType": "ml.c7i.large", "InitialInstanceCount": 1}
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": percent,
        "DestinationS3Uri": f"s3://{bucket_.NAME}/captured",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
    }
    options = {} if percent is None else {"DataCaptureConfig": capture}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], **options)


@pytest.fixture
def captured(aws: Emulator) -> Any:
    """Every captured line."""
    s3 = aws.client("s3")

    def read() -> Iterator[tuple[str, dict[str, Any]]]:
        for item in s3.list_objects_v2(Bucket=bucket_.NAME, Prefix="captured/").get("Contents", []):
            for line in s3.get_object(Bucket=bucket_.NAME, Key=item["Key"])["Body"].read().splitlines():
                yield item["Key"], json.loads(line)

    return lambda: list(read())


def update(sagemaker: Any, endpoint: str, config: str, **options: Any) -> None:
    sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config, **options)
    description = settled(sagemaker, endpoint)
    assert (description["EndpointStatus"], description["EndpointConfigName"]) == ("InService", config)


def test_requests_are_kept_with_their_answers_as_long_as_the_configuration_says(
    aws: Emulator, sagemaker: Any, bucket: Bucket, endpoint: str, captured: Any
) -> None:
    def ask(content_type: str = "image/jpeg", **options: Any) -> bytes:
        answer = aws.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=endpoint, Body=PHOTO, ContentType=content_type, **options
        )
        content: bytes = answer["Body"].read()
        return content

    # given an endpoint that captures every request
    configure(sagemaker, bucket, f"{endpoint}-all", 100)
    sagemaker.create_endpoint(EndpointName=endpoint, EndpointConfigName=f"{endpoint}-all")
    assert settled(sagemaker, endpoint)["EndpointStatus"] == "InService"
    # when
    answer = ask(InferenceId="bin 7")
    # then
    [(key, line)] = captured()
    assert key.startswith(f"captured/{endpoint}/live/20")
    assert key.endswith(".jsonl")
    asked, answered = line["captureData"]["endpointInput"], line["captureData"]["endpointOutput"]
    assert (asked["encoding"], base64.b64decode(asked["data"])) == ("BASE64", PHOTO)
    assert asked["observedContentType"] == "image/jpeg"
    assert (answered["encoding"], answered["data"].encode()) == ("JSON", answer)
    assert line["eventMetadata"]["inferenceId"] == "bin 7"

    # and an update that retains all properties retains this one, whatever the new configuration says
    configure(sagemaker, bucket, f"{endpoint}-off", None)
    update(sagemaker, endpoint, f"{endpoint}-off", RetainAllVariantProperties=True)
    ask()
    assert len(captured()) == 2
    # and so does one that would exclude it, which is documented as not supported
    configure(sagemaker, bucket, f"{endpoint}-off2", None)
    update(
        sagemaker,
        endpoint,
        f"{endpoint}-off2",
        RetainAllVariantProperties=True,
        ExcludeRetainedVariantProperties=[{"VariantPropertyType": "DataCaptureConfig"}],
    )
    ask()
    assert len(captured()) == 3
    # and one that retains nothing switches it off
    configure(sagemaker, bucket, f"{endpoint}-off3", None)
    update(sagemaker, endpoint, f"{endpoint}-off3")
    ask()
    assert len(captured()) == 3
