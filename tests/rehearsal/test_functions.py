"""The emulated Lambda: the deployed zip under AWS's runtime client, with AWS's errors."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.aws import location
from rehearsal.aws.functions import pool
from rehearsal.aws.functions.sandbox import Function
from tests.rehearsal.emulator import ROLE, Emulator, running_emulator

HANDLER = """
import os, time
import boto3
calls = 0
class NoUsableImages(Exception): pass
def meet(s3, bucket):
    s3.put_object(Bucket=bucket, Key=str(os.getpid()))
    while s3.list_objects_v2(Bucket=bucket)["KeyCount"] < 3: time.sleep(0.1)
def handler(event, context):
    global calls
    calls += 1
    print("working on", event)
    if event.get("fail"): raise NoUsableImages("minCount 4: no image; give a smaller one")
    if event.get("exit"): os._exit(3)
    time.sleep(event.get("sleep", 0))
    s3 = boto3.client("s3")
    if event.get("after"): s3.get_waiter("object_exists").wait(Bucket=event["after"], Key="go")
    if event.get("meet"): meet(s3, event["meet"])
    if event.get("put"): s3.put_object(Bucket=event["put"], Key="k", Body=b"x")
    return {
        "calls": calls,
        "pid": os.getpid(),
        "greeting": os.environ["GREETING"],
        "left": context.get_remaining_time_in_millis(),
        "request": context.aws_request_id,
    }
"""


def archive(source: str) -> bytes:
    """A function's zip with one module."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as content:
        content.writestr("work.py", source)
    return buffer.getvalue()


def create(aws: Emulator, name: str, source: str = HANDLER, handler: str = "work.handler", timeout: int = 30) -> None:
    """Create a function whose logs go to a group of their own."""
    aws.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.14",
        Role=ROLE,
        Handler=handler,
        Code={"ZipFile": archive(source)},
        Timeout=timeout,
        Environment={"Variables": {"GREETING": "hello"}},
        LoggingConfig={"LogGroup": f"group-of-{name}"},
    )


def invoke(aws: Emulator, name: str, event: Any = None) -> tuple[dict[str, Any], str | None]:
    """Invoke a function: its payload and its FunctionError."""
    answer = aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event or {}))
    return json.loads(answer["Payload"].read()), answer.get("FunctionError")


@pytest.fixture(scope="module")
def function(aws: Emulator) -> str:
    """The name of a deployed function."""
    create(aws, "work")
    return "work"


def test_sandbox_is_warm_and_reaches_the_emulated_aws(aws: Emulator, function: str) -> None:
    # Given a function that writes to S3, When it is invoked twice, Then one process served both and the object exists.
    aws.client("s3").create_bucket(Bucket="written")
    first, error = invoke(aws, function, {"put": "written"})
    assert error is None
    second, _ = invoke(aws, function)
    assert (first["pid"], first["calls"] + 1) == (second["pid"], second["calls"])
    assert first["greeting"] == "hello"
    assert 0 < first["left"] <= 30_000
    assert first["request"] != second["request"]
    assert aws.client("s3").get_object(Bucket="written", Key="k")["Body"].read() == b"x"


def test_concurrent_invocations_have_their_own_sandboxes(aws: Emulator, function: str) -> None:
    # When three invocations overlap, Then three processes serve them.
    aws.client("s3").create_bucket(Bucket="met")
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: invoke(aws, function, {"meet": "met"})[0]["pid"], range(3)))
    assert len(set(answers)) == 3


def test_what_is_no_json_and_an_unknown_version_are_refused(aws: Emulator, function: str) -> None:
    # When a function is given a text, or asked for as something that it is not, Then it does not run.
    before, _ = invoke(aws, function)
    with pytest.raises(
        ClientError, match=r"\(InvalidRequestContentException\).*Could not parse request body into json"
    ):
        aws.client("lambda").invoke(FunctionName=function, Payload=b"plainly")
    with pytest.raises(ClientError, match=rf"\(ResourceNotFoundException\).*function:{function}:other"):
        aws.client("lambda").invoke(FunctionName=function, Payload=b"{}", Qualifier="other")
    assert invoke(aws, function)[0]["calls"] == before["calls"] + 1


def test_an_answer_tells_the_version_and_the_logs_end(aws: Emulator, function: str) -> None:
    # When the log is asked for, Then its end comes with the answer.
    answer = aws.client("lambda").invoke(
        FunctionName=function, Payload=b'{"x": 7}', Qualifier="$LATEST", LogType="Tail"
    )
    assert answer["ExecutedVersion"] == "$LATEST"
    assert "working on {'x': 7}" in base64.b64decode(answer["LogResult"]).decode()
    assert "LogResult" not in aws.client("lambda").invoke(FunctionName=function)


def test_error_is_named_by_its_exceptions_class(aws: Emulator, function: str) -> None:
    # When a handler raises, Then the payload carries type, message and trace, and the sandbox goes on.
    payload, error = invoke(aws, function, {"fail": True})
    assert error == "Unhandled"
    assert payload["errorType"] == "NoUsableImages"
    assert payload["errorMessage"] == "minCount 4: no image; give a smaller one"
    assert payload["stackTrace"]
    assert invoke(aws, function)[1] is None


def test_exit_ends_the_sandbox_only(aws: Emulator, function: str) -> None:
    # When a handler ends its process, Then the caller gets Runtime.ExitError and the next event a new sandbox.
    payload, _ = invoke(aws, function, {"exit": True})
    assert payload["errorType"] == "Runtime.ExitError"
    assert payload["errorMessage"].endswith("Runtime exited with error: exit status 3")
    assert invoke(aws, function)[1] is None


def test_timeout(aws: Emulator, function: str) -> None:
    # Given one second, When a handler sleeps longer, Then the caller gets Sandbox.Timedout.
    create(aws, "slow", timeout=1)
    payload, _ = invoke(aws, "slow", {"sleep": 20})
    assert payload["errorType"] == "Sandbox.Timedout"
    assert payload["errorMessage"].endswith("Task timed out after 1.00 seconds")


def test_module_that_does_not_load(aws: Emulator, function: str) -> None:
    # Given a module that imports what is not there, Then AWS's own client says so.
    create(aws, "broken", "import nothing_by_this_name")
    payload, _ = invoke(aws, "broken")
    assert payload["errorType"] == "Runtime.ImportModuleError"
    assert "nothing_by_this_name" in payload["errorMessage"]


def test_new_code_replaces_warm_sandboxes(aws: Emulator, function: str) -> None:
    # Given a warm sandbox, When code and variables are updated, Then the next invocation runs the new ones.
    create(aws, "changing")
    invoke(aws, "changing")
    client = aws.client("lambda")
    client.update_function_code(FunctionName="changing", ZipFile=archive("def handler(e, c): return {'new': True}"))
    assert invoke(aws, "changing")[0] == {"new": True}


def test_output_is_in_the_configured_log_group(aws: Emulator, function: str) -> None:
    # When a function prints, Then its own log group has the line.
    invoke(aws, function, {"marker": 17})
    events = aws.client("logs").filter_log_events(logGroupName=f"group-of-{function}")["events"]
    assert any("working on {'marker': 17}" in event["message"] for event in events)


def test_event_invocation_returns_at_once(aws: Emulator, function: str) -> None:
    # When a function is invoked as Event, Then the answer is 202 and the work is done later.
    aws.client("s3").create_bucket(Bucket="later")
    answer = aws.client("lambda").invoke(
        FunctionName=function, InvocationType="Event", Payload=json.dumps({"after": "later", "put": "later"})
    )
    assert answer["StatusCode"] == 202
    s3 = aws.client("s3")
    assert "Contents" not in s3.list_objects_v2(Bucket="later")
    s3.put_object(Bucket="later", Key="go")
    aws.wait_for(lambda: s3.list_objects_v2(Bucket="later"), lambda found: found["KeyCount"] == 2)


def test_state_machine_gets_the_functions_error(aws: Emulator, function: str) -> None:
    # Given a task over a function, Then its payload is the result, and its exception the error's name.
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": function, "Payload": {"fail": "{% $states.input.fail %}", "text": "\"'"}},
        "Retry": [{"ErrorEquals": ["Lambda.ServiceException"], "IntervalSeconds": 1, "MaxAttempts": 2}],
        "Catch": [
            {
                "ErrorEquals": ["NoUsableImages"],
                "Assign": {"failure": "{% $states.errorOutput %}"},
                "Next": "Failed",
            }
        ],
        "Output": "{% $states.result.Payload.greeting %}",
        "End": True,
    }
    failed = {
        "Type": "Fail",
        "Error": "{% $failure.Error %}",
        "Cause": "{% $parse($failure.Cause).errorMessage %}",
    }
    definition = {"StartAt": "Work", "States": {"Work": task, "Failed": failed}}
    assert aws.execute(definition, {"fail": False})["output"] == "hello"
    result = aws.execute(definition, {"fail": True})
    assert (result["status"], result["error"]) == ("FAILED", "NoUsableImages")
    assert result["cause"] == "minCount 4: no image; give a smaller one"


def test_stopped_execution_is_aborted_while_its_function_still_runs(aws: Emulator, function: str) -> None:
    # Given a task in a slow function, When the execution is stopped, Then it is ABORTED without waiting for it.
    states = aws.client("stepfunctions")
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": function, "Payload": {"sleep": 20}},
        "End": True,
    }
    definition = json.dumps({"QueryLanguage": "JSONata", "StartAt": "Slow", "States": {"Slow": task}})
    machine = states.create_state_machine(name="slow", definition=definition, roleArn=ROLE)["stateMachineArn"]
    execution = states.start_execution(stateMachineArn=machine)["executionArn"]
    aws.wait_for(
        lambda: states.get_execution_history(executionArn=execution)["events"],
        lambda events: events and events[-1]["type"] == "TaskStarted",
    )
    states.stop_execution(executionArn=execution)
    assert states.describe_execution(executionArn=execution)["status"] == "ABORTED"


def test_idle_sandboxes_are_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a warm sandbox, When it has waited long enough, Then it is closed and the next event gets a new one.
    monkeypatch.setattr(location, "_current", None)
    location.establish(1, tmp_path)
    (tmp_path / "work.py").write_text("import os\ndef handler(event, context): return os.getpid()\n")
    work = Function("work", "arn", "us-east-1", tmp_path, "work.handler", (), 10, 128, "logs")
    first = pool.invoke(work, b"{}").payload
    pool.close_idle_sandboxes(60)
    assert pool.invoke(work, b"{}").payload == first
    pool.close_idle_sandboxes(0)
    assert not _is_running(int(first))
    assert pool.invoke(work, b"{}").payload != first
    pool.close_idle_sandboxes(0)


def test_sandboxes_end_with_the_emulator(aws: Emulator, function: str, tmp_path: Path) -> None:
    # Given a second emulator with a warm sandbox, When it is killed, Then the sandbox's process ends as well.
    with running_emulator(tmp_path / "work") as other:
        create(other, "work")
        pid = invoke(other, "work")[0]["pid"]
        other.process.kill()
        other.wait_for(lambda: _is_running(pid), lambda running: not running)


def _is_running(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state) and not state.startswith("Z")
