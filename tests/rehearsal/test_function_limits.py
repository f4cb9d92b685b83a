"""Lambda's limits, each met by a function and told in AWS's words."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.emulator import ROLE, Emulator

HANDLER = """
import os, tempfile, time
kept = []
def handler(event, context):
    if "hold" in event: kept.append(b"x" * (event["hold"] << 20))
    if "touch" in event: bytearray(b"x") * (event["touch"] << 20)
    if "write" in event:
        with (tempfile.TemporaryFile() if event["unnamed"] else open(tempfile.gettempdir() + "/big", "wb")) as file:
            for _ in range(event["write"]):
                file.write(b"x" * (1 << 20))
                file.flush()
            time.sleep(event["sleep"])
    if "kill" in event: os.kill(os.getpid(), event["kill"])
    return {"pid": os.getpid(), "files": os.listdir(tempfile.gettempdir()), "text": "x" * event.get("answer", 0)}
"""


def archive(content: dict[str, bytes]) -> bytes:
    """A zip in which zeros take no room."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in content.items():
            file.writestr(name, data)
    return buffer.getvalue()


def create(aws: Emulator, name: str, **options: Any) -> None:
    code = {"ZipFile": archive({"work.py": HANDLER.encode()})}
    aws.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.14",
        Role=ROLE,
        Handler="work.handler",
        **({"Code": code, "Timeout": 60, "MemorySize": 200} | options),
    )


def invoke(aws: Emulator, name: str, event: Any) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(
        aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))["Payload"].read()
    )
    return payload


def log_of(aws: Emulator, name: str) -> str:
    events = aws.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    return "\n".join(event["message"] for event in events)


@pytest.fixture(scope="module")
def function(aws: Emulator) -> str:
    """The name of a function with 200 MB of memory and the least of everything else."""
    create(aws, "limited")
    return "limited"


@pytest.mark.parametrize("how", ["hold", "touch"])
def test_memory(aws: Emulator, function: str, how: str) -> None:
    # Given 200 MB, When a function takes more, even for a moment, Then it is killed and the next one starts anew.
    before = invoke(aws, function, {how: 100})
    assert "errorType" not in before
    payload = invoke(aws, function, {how: 250})
    assert payload["errorType"] == "Runtime.ExitError"
    assert payload["errorMessage"].startswith("RequestId: ")
    assert payload["errorMessage"].endswith(" Error: Runtime exited with error: signal: killed")
    assert "Memory Size: 200 MB\tMax Memory Used: 200 MB" in log_of(aws, function)
    assert invoke(aws, function, {})["pid"] != before["pid"]


def test_a_crash_is_named_by_its_signal(aws: Emulator, function: str) -> None:
    assert invoke(aws, function, {"kill": 11})["errorMessage"].endswith("exited with error: signal: segmentation fault")


@pytest.mark.parametrize("unnamed", [False, True])
def test_temporary_files(aws: Emulator, function: str, unnamed: bool) -> None:
    # Given 512 MB of /tmp, When a function fills it, Then it ends with the error of a full disk, and the next has none.
    fits = {"write": 500, "unnamed": unnamed, "sleep": 0}
    assert "errorType" not in invoke(aws, function, fits)
    payload = invoke(aws, function, fits | {"write": 520, "sleep": 5})
    assert (payload["errorType"], payload["errorMessage"]) == ("OSError", "[Errno 28] No space left on device")
    assert invoke(aws, function, {})["files"] == []


def test_larger_temporary_storage(aws: Emulator) -> None:
    create(aws, "roomy", EphemeralStorage={"Size": 600})
    assert "errorType" not in invoke(aws, "roomy", {"write": 520, "unnamed": False, "sleep": 0.2})


def test_request_of_more_than_6_mb(aws: Emulator, function: str) -> None:
    # Given the longest payload, Then it is taken; Given one byte more, Then the answer is 413.
    frame = len(json.dumps({"text": ""}))
    assert "pid" in invoke(aws, function, {"text": "x" * (6_291_456 - frame)})
    with pytest.raises(ClientError) as refused:
        invoke(aws, function, {"text": "x" * (6_291_457 - frame)})
    error, metadata = refused.value.response["Error"], refused.value.response["ResponseMetadata"]
    assert (error["Code"], metadata["HTTPStatusCode"]) == ("RequestEntityTooLargeException", 413)
    assert error["Message"] == "Request must be smaller than 6291456 bytes for the InvokeFunction operation"


def test_event_of_more_than_1_mb(aws: Emulator, function: str) -> None:
    with pytest.raises(
        ClientError, match=r"payload is too large for the Event invocation type \(limit 1048576 bytes\)"
    ):
        aws.client("lambda").invoke(
            FunctionName=function, InvocationType="Event", Payload=json.dumps({"text": "x" * 1_048_576})
        )


def test_response_of_more_than_6_mb(aws: Emulator, function: str) -> None:
    # Given an answer below the limit, Then it comes whole; Given one above it, Then the caller gets an error.
    assert len(invoke(aws, function, {"answer": 6_291_000})["text"]) == 6_291_000
    payload = invoke(aws, function, {"answer": 6_291_556})
    assert payload == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
    }


def test_environment_of_more_than_4_kb(aws: Emulator) -> None:
    # Given the longest environment, Then it is taken; Given one byte more, Then creation and change are refused.
    frame = len('{"TEXT":""}')
    longest = {"Variables": {"TEXT": "x" * (4096 - frame)}}
    too_long = {"Variables": {"TEXT": "x" * (4097 - frame)}}
    create(aws, "told-much", Environment=longest)
    words = "environment variables you have provided exceeded the 4KB limit. String measured: "
    with pytest.raises(ClientError, match=f"InvalidParameterValueException.*{words}"):
        create(aws, "told-more", Environment=too_long)
    client = aws.client("lambda")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_function(FunctionName="told-more")
    with pytest.raises(ClientError, match=words):
        client.update_function_configuration(FunctionName="told-much", Environment=too_long)
    assert client.get_function_configuration(FunctionName="told-much")["Environment"] == longest


def test_code_of_more_than_250_mb(aws: Emulator) -> None:
    # Given zips that are large only when unpacked, Then code, layers, and both together are measured.
    client = aws.client("lambda")
    half, whole = (archive({"large": bytes(size << 20)}) for size in (125, 251))
    with pytest.raises(ClientError, match="Unzipped size must be smaller than 262144000 bytes"):
        client.publish_layer_version(LayerName="whole", Content={"ZipFile": whole})
    with pytest.raises(ClientError, match="Unzipped size must be smaller than 262144000 bytes"):
        create(aws, "whole", Code={"ZipFile": whole})
    layers = [
        client.publish_layer_version(LayerName=f"half-{n}", Content={"ZipFile": half})["LayerVersionArn"]
        for n in range(3)
    ]
    with pytest.raises(ClientError, match="Layers consume more than the available size of 262144000 bytes"):
        create(aws, "layered", Layers=layers)
    create(aws, "layered", Layers=layers[:1])
    with pytest.raises(ClientError, match=r"combined with layers exceeds .* 262144000 bytes\. The actual size is 2621"):
        client.update_function_configuration(FunctionName="layered", Layers=layers[:2])
    assert len(client.get_function_configuration(FunctionName="layered")["Layers"]) == 1
    with pytest.raises(ClientError, match="combined with layers"):
        client.update_function_code(FunctionName="layered", ZipFile=archive({"large": bytes(126 << 20)}))
    assert invoke(aws, "layered", {})["pid"]


def test_code_that_is_no_zip(aws: Emulator) -> None:
    with pytest.raises(ClientError, match="Could not unzip uploaded file"):
        create(aws, "no-zip", Code={"ZipFile": b"no zip"})
