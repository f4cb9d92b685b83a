"""Endpoints serve a model's own Ray Serve application, and survive updates that go wrong."""

from __future__ import annotations

import datetime
import json
import re
import threading
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from rehearsal.aws.sagemaker import endpoints
from rehearsal.aws.sagemaker.containers import Container
from tests.rehearsal.emulator import Emulator
from tests.rehearsal.sagemaker.bucket import Bucket
from tests.rehearsal.sagemaker.serving_model import CONFIG, configure, put_model, serve, settled


@pytest.fixture(scope="module")
def served(aws: Emulator) -> Iterator[str]:
    """An endpoint in service, for tests that leave it as it is."""
    sagemaker = aws.client("sagemaker")
    serve(sagemaker, Bucket(aws.client("s3")), "served")
    yield "served"
    sagemaker.delete_endpoint(EndpointName="served")


def invoke(aws: Emulator, endpoint: str, body: bytes = b"jpeg", **request: Any) -> dict[str, Any]:
    request = {"ContentType": "image/jpeg"} | request
    answer = aws.client("sagemaker-runtime").invoke_endpoint(EndpointName=endpoint, Body=body, **request)
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    assert answer["ContentType"] == "application/json"
    content: dict[str, Any] = json.loads(answer["Body"].read())
    return content


def test_an_endpoint_of_a_model_package_answers(aws: Emulator, sagemaker: Any, bucket: Bucket, endpoint: str) -> None:
    # given an approved package
    group = f"group-{uuid.uuid4().hex[:8]}"
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    container = {
        "Image": "ray",
        "ModelDataUrl": put_model(bucket, "first"),
        "Environment": {"STOCKTAKE_MODEL_PACKAGE": "overridden by the model"},
    }
    package = sagemaker.create_model_package(
        ModelPackageGroupName=group,
        ModelApprovalStatus="Approved",
        InferenceSpecification={
            "Containers": [container],
            "SupportedContentTypes": ["image/jpeg"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    )["ModelPackageArn"]

    # when
    config = configure(sagemaker, {"ModelPackageName": package, "Environment": {"STOCKTAKE_MODEL_PACKAGE": package}})
    sagemaker.create_endpoint(EndpointName=endpoint, EndpointConfigName=config)
    creating = sagemaker.describe_endpoint(EndpointName=endpoint)
    description = settled(sagemaker, endpoint)

    # then
    assert creating["EndpointStatus"] == "Creating"
    assert description["EndpointStatus"] == "InService"
    assert description["EndpointConfigName"] == config
    assert invoke(aws, endpoint, bytes(range(256)), Accept="application/json") == {
        "word": "first",
        "beside": "imported from the code folder",
        "model": package,
        "bytes": 256,
        "type": "image/jpeg",
        "accept": "application/json",
        "path": "/",
    }


def test_what_a_model_refuses_is_a_model_error(aws: Emulator, served: str) -> None:
    with pytest.raises(ClientError) as refusal:
        invoke(aws, served, b"not an image")
    with pytest.raises(ClientError) as fault:
        invoke(aws, served, b"fault")

    refused: Any = refusal.value.response
    failed: Any = fault.value.response
    assert refused["Error"]["Code"] == failed["Error"]["Code"] == "ModelError"
    assert refused["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert refused["OriginalStatusCode"] == 415
    assert json.loads(refused["OriginalMessage"]) == {"error": "Send an image."}
    assert refused["Error"]["Message"].startswith("Received client error (415) from primary")
    assert failed["OriginalStatusCode"] == 500
    assert failed["Error"]["Message"].startswith("Received server error (500) from primary")
    assert invoke(aws, served)["word"] == "first"


def test_invocations_are_counted(aws: Emulator, served: str) -> None:
    # Given an invocation, one that the model refuses and one that it fails, Then CloudWatch counts and times them.
    cloudwatch = aws.client("cloudwatch")
    now = datetime.datetime.now(tz=datetime.UTC)

    def figures(metric: str, statistic: Any) -> float:
        answer = cloudwatch.get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName=metric,
            Dimensions=[{"Name": "EndpointName", "Value": served}, {"Name": "VariantName", "Value": "AllTraffic"}],
            StartTime=now - datetime.timedelta(hours=1),
            EndTime=now + datetime.timedelta(hours=1),
            Period=7200,
            Statistics=[statistic],
        )
        return sum(point[statistic] for point in answer["Datapoints"])

    names = ["Invocations", "Invocation4XXErrors", "Invocation5XXErrors"]
    before = [figures(name, "Sum") for name in names]
    invoke(aws, served)
    for body in (b"not an image", b"fault"):
        with pytest.raises(ClientError):
            invoke(aws, served, body)
    assert [figures(name, "Sum") - was for name, was in zip(names, before, strict=True)] == [3, 1, 1]
    assert figures("ModelLatency", "Maximum") > 1000


def test_a_body_above_sagemakers_limit_is_refused(aws: Emulator, served: str) -> None:
    limit = 6 * 1024 * 1024

    assert invoke(aws, served, b"x" * limit)["bytes"] == limit
    with pytest.raises(ClientError, match="exceeds the limit") as refusal:
        invoke(aws, served, b"x" * (limit + 1))

    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_an_unknown_endpoint_is_a_validation_error(aws: Emulator) -> None:
    with pytest.raises(ClientError, match="Endpoint no-such of account 123456789012 not found") as refusal:
        invoke(aws, "no-such")

    assert refusal.value.response["Error"]["Code"] == "ValidationError"


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"TargetModel": "other.tar.gz"}, "is not a multi-model endpoint and does not support target model header."),
        ({"TargetVariant": "other"}, "has no production variant other."),
    ],
)
def test_a_model_or_a_variant_that_is_not_there_is_refused(
    aws: Emulator, served: str, asked: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ClientError, match=rf"\(ValidationError\).*Endpoint {served} {re.escape(sentence)}"):
        invoke(aws, served, b"{}", **asked)


def test_the_variant_that_is_there_answers(aws: Emulator, served: str) -> None:
    variant = aws.client("sagemaker").describe_endpoint(EndpointName=served)["ProductionVariants"][0]["VariantName"]
    assert invoke(aws, served, b"3", TargetVariant=variant)


def test_an_endpoint_for_requests_takes_none_for_later(aws: Emulator, served: str) -> None:
    runtime = aws.client("sagemaker-runtime")
    for name, sentence in {served: "does not support asynchronous inference", "nobody": "not found"}.items():
        with pytest.raises(ClientError, match=rf"\(ValidationError\).*{sentence}"):
            runtime.invoke_endpoint_async(EndpointName=name, InputLocation="s3://data/input.json")


def test_an_endpoint_refuses_an_unsigned_request_as_in_aws(aws: Emulator, served: str) -> None:
    url = f"{aws.endpoint_url}/endpoints/{served}/invocations"

    request = urllib.request.Request(url, data=b"jpeg", headers={"Content-Type": "image/png"})
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request)


def test_an_update_switches_over_without_an_unanswered_request(
    aws: Emulator, sagemaker: Any, bucket: Bucket, endpoint: str
) -> None:
    # given a client that never pauses
    first = serve(sagemaker, bucket, endpoint)
    words: list[str] = []
    faults: list[Exception] = []
    enough = threading.Event()

    def ask() -> None:
        while not enough.is_set():
            try:
                words.append(invoke(aws, endpoint)["word"])
            except Exception as fault:
                faults.append(fault)

    client = threading.Thread(target=ask)
    client.start()

    # when
    second = configure(sagemaker, {"Image": "ray", "ModelDataUrl": put_model(bucket, "second")})
    sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=second)
    updating = sagemaker.describe_endpoint(EndpointName=endpoint)
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=first)
    updated = settled(sagemaker, endpoint)
    Emulator.wait_for(lambda: words[-1], lambda word: word == "second")
    enough.set()
    client.join()

    # then
    assert (updating["EndpointStatus"], updating["EndpointConfigName"]) == ("Updating", first)
    assert updating["PendingDeploymentSummary"]["EndpointConfigName"] == second
    assert (updated["EndpointStatus"], updated["EndpointConfigName"]) == ("InService", second)
    assert "PendingDeploymentSummary" not in updated
    assert not faults
    assert words == sorted(words)
    assert set(words) == {"first", "second"}


class Server:
    """A container as far as the end of its process."""

    def __init__(self) -> None:
        self.stopped = threading.Event()

    def stop(self) -> None:
        self.stopped.set()


def test_a_replaced_server_ends_when_it_has_answered_what_it_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    # given two requests that a server has not answered, however slow it is
    server, arn = Server(), "arn:aws:sagemaker:us-east-1:123456789012:endpoint/busy"
    old = endpoints.InService("AllTraffic", cast("Container", server))
    monkeypatch.setitem(endpoints._in_service, arn, old)
    with in_service("busy") as first, ExitStack() as second:
        second.enter_context(in_service("busy"))
        assert first is old
        # when another one takes its place
        monkeypatch.delitem(endpoints._in_service, arn)
        replacing = threading.Thread(target=old.retire)
        replacing.start()
        second.close()
        # then it runs until both have their answers, and no longer
        assert not server.stopped.wait(0.1)
    assert server.stopped.wait(5)
    replacing.join()


def in_service(name: str) -> AbstractContextManager[endpoints.InService | None]:
    return endpoints.in_service("123456789012", "us-east-1", name)


def test_an_update_to_a_model_that_does_not_start_is_rolled_back(
    aws: Emulator, sagemaker: Any, bucket: Bucket, endpoint: str
) -> None:
    # given
    first = serve(sagemaker, bucket, endpoint)
    broken = put_model(bucket, "second", application="raise RuntimeError('the model file is damaged')")

    # when
    config = configure(sagemaker, {"Image": "ray", "ModelDataUrl": broken})
    sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)
    description = settled(sagemaker, endpoint)

    # then it is SageMaker's silent rollback
    assert (description["EndpointStatus"], description["EndpointConfigName"]) == ("InService", first)
    assert "did not pass the ping health check" in description["FailureReason"]
    assert "the model file is damaged" in description["FailureReason"]
    assert invoke(aws, endpoint)["word"] == "first"


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"config.yaml": CONFIG, "code/application.py": "import no_such_module"}, "No module named 'no_such_module'"),
        ({"model.pt": "weights only"}, "config.yaml"),
        ({"config.yaml": "applications: 3"}, "applications"),
        (None, "could not be unpacked"),
    ],
)
def test_a_first_model_that_does_not_start_fails_the_endpoint(
    sagemaker: Any, bucket: Bucket, endpoint: str, files: dict[str, str] | None, reason: str
) -> None:
    url = bucket.put_archive("models/broken.tar.gz", files) if files else "s3://data/no/such/model.tar.gz"

    config = configure(sagemaker, {"Image": "ray", "ModelDataUrl": url})
    sagemaker.create_endpoint(EndpointName=endpoint, EndpointConfigName=config)
    description = settled(sagemaker, endpoint)

    assert description["EndpointStatus"] == "Failed"
    assert reason in description["FailureReason"]


def test_the_servers_output_is_in_the_endpoints_log(aws: Emulator, served: str) -> None:
    with pytest.raises(ClientError):
        invoke(aws, served, b"fault")
    logs, group = aws.client("logs"), f"/aws/sagemaker/Endpoints/{served}"

    def messages() -> str:
        return str(logs.filter_log_events(logGroupName=group)["events"])

    Emulator.wait_for(messages, lambda text: "a fault in the application" in text)


def test_a_deleted_endpoint_leaves_no_process_and_no_file(
    aws: Emulator, sagemaker: Any, bucket: Bucket, endpoint: str
) -> None:
    serve(sagemaker, bucket, endpoint)
    assert list(aws.work.rglob(f"{endpoint}/*/model/config.yaml"))

    sagemaker.delete_endpoint(EndpointName=endpoint)

    with pytest.raises(ClientError, match="not found"):
        invoke(aws, endpoint)
    assert not list(aws.work.rglob(f"{endpoint}/*/model"))
    with pytest.raises(ClientError, match="Could not find endpoint"):
        sagemaker.describe_endpoint(EndpointName=endpoint)


def test_an_endpoint_deleted_while_it_is_created_never_appears(
    aws: Emulator, sagemaker: Any, bucket: Bucket, endpoint: str
) -> None:
    config = configure(sagemaker, {"Image": "ray", "ModelDataUrl": put_model(bucket, "first")})

    sagemaker.create_endpoint(EndpointName=endpoint, EndpointConfigName=config)
    sagemaker.delete_endpoint(EndpointName=endpoint)

    Emulator.wait_for(lambda: list(aws.work.rglob(f"{endpoint}/*/model")), lambda found: not found)
    with pytest.raises(ClientError, match="not found"):
        invoke(aws, endpoint)


def test_a_name_is_for_one_endpoint(sagemaker: Any, served: str) -> None:
    config = sagemaker.describe_endpoint(EndpointName=served)["EndpointConfigName"]

    with pytest.raises(ClientError, match="Cannot create already existing endpoint"):
        sagemaker.create_endpoint(EndpointName=served, EndpointConfigName=config)


def test_an_instance_type_must_be_one_of_sagemakers(sagemaker: Any, bucket: Bucket) -> None:
    config = configure(sagemaker, {"Image": "ray", "ModelDataUrl": "s3://data/m.tar.gz"})  # ml.c7i: newer than moto

    variant = {"VariantName": "v", "ModelName": config, "InstanceType": "ml.toaster", "InitialInstanceCount": 1}
    with pytest.raises(ClientError, match=r"'ml\.toaster' at 'productionVariants\.1\.member\.instanceType'"):
        sagemaker.create_endpoint_config(EndpointConfigName="toaster", ProductionVariants=[variant])
