"""AWS's edge as the page needs it: endpoints that answer as told, executions, and files in buckets."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:stocktake"
MODEL = "arn:aws:sagemaker:us-east-1:123456789012:model-package/stocktake-models/3"
Answer = tuple[int, dict[str, str], bytes]


def counted(count: int, *probabilities: float, model: str | None = MODEL) -> Answer:
    """The endpoint's answer to one photo."""
    answer = {"count": count, "probabilities": probabilities, "labels": [1, 2, 3, 4, 5], "model": model}
    return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()


def refused(code: str, message: str, status: int = 400, **members: Any) -> Answer:
    """An error of a JSON service."""
    return status, {"x-amzn-errortype": code}, json.dumps({"__type": code, "message": message, **members}).encode()


def of_model(sentence: str, status: int) -> Answer:
    """The model's own refusal, as SageMaker hands it on."""
    original = json.dumps({"error": sentence, "requestId": "1"})
    return refused("ModelError", "Received client error", 424, OriginalStatusCode=status, OriginalMessage=original)


@dataclass
class FakeAws:
    """What is there, and what was asked."""

    url: str = ""
    endpoints: dict[str, Callable[[bytes], Answer]] = field(default_factory=dict)
    executions: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    refuses: tuple[str, str] | None = None
    """Code and message of the error that every request gets, if there is one."""
    asked: list[tuple[str, bytes]] = field(default_factory=list)
    """Endpoints' names and bodies."""

    def succeeded(self, name: str, photos: dict[str, tuple[bytes, int]], bucket: str = "data") -> None:
        """A newest execution that kept these photos with their labels beside its report."""
        folder = f"{bucket}/reports/{name}"
        output = {"evaluation": {"reportUri": f"s3://{folder}/report.html"}}
        self.executions.insert(0, {"name": name, "status": "SUCCEEDED", "output": json.dumps(output)})
        rows = [{"id": id, "count": count, "predicted": 1} for id, (_, count) in photos.items()]
        self.files |= {f"{folder}/samples/{id}.jpg": content for id, (content, _) in photos.items()}
        self.files[f"{folder}/predictions.jsonl"] = "".join(json.dumps(row) + "\n" for row in rows).encode()

    def answer(self, method: str, target: str, path: str, body: bytes) -> Answer:
        """One request."""
        url = urlsplit(path)
        if self.refuses:
            xml = not target and not url.path.endswith("/invocations")
            return _refused_xml(*self.refuses) if xml else refused(*self.refuses, 403)
        if url.path.endswith("/invocations"):
            name = url.path.split("/")[2]
            self.asked.append((name, body))
            missing = refused("ValidationError", f"Endpoint {name} of account 123456789012 not found.")
            return self.endpoints[name](body) if name in self.endpoints else missing
        if target.startswith("AWSStepFunctions."):
            return self._states(target.partition(".")[2], json.loads(body))
        if method == "POST":
            return 200, {"Content-Type": "text/xml"}, _stacks(body)
        return self._s3(unquote(url.path).strip("/"), parse_qs(url.query))

    def _states(self, action: str, given: dict[str, Any]) -> Answer:
        arns = {MACHINE.replace("stateMachine", "execution") + ":" + one["name"]: one for one in self.executions}
        if action == "ListExecutions":
            wanted = [arn for arn, one in arns.items() if one["status"] == given.get("statusFilter", one["status"])]
            return 200, {}, json.dumps({"executions": [{"executionArn": arn} for arn in wanted]}).encode()
        if given["executionArn"] not in arns:
            return refused("ExecutionDoesNotExist", f"Execution Does Not Exist: '{given['executionArn']}'")
        return 200, {}, json.dumps(arns[given["executionArn"]]).encode()

    def _s3(self, path: str, query: dict[str, list[str]]) -> Answer:
        if "list-type" in query:
            keys = [key.removeprefix(f"{path}/") for key in self.files if key.startswith(f"{path}/")]
            contents = [f"<Contents><Key>{key}</Key></Contents>" for key in keys if key.startswith(query["prefix"][0])]
            return 200, {}, f"<ListBucketResult>{''.join(contents)}</ListBucketResult>".encode()
        if path in self.files:
            return 200, {}, self.files[path]
        return 404, {}, b"<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>"


def _refused_xml(code: str, message: str) -> Answer:
    content = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    return 403, {"Content-Type": "text/xml"}, content.encode()


def _stacks(body: bytes) -> bytes:
    """The answer to DescribeStacks."""
    name = parse_qs(body.decode())["StackName"][0]
    outputs = {"StateMachineArn": MACHINE, "ModelPackageGroup": "stocktake-models"}
    members = "".join(
        f"<member><OutputKey>{key}</OutputKey><OutputValue>{escape(value)}</OutputValue></member>"
        for key, value in outputs.items()
    )
    return f"""<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>{name}</StackName>
        <CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>CREATE_COMPLETE</StackStatus>
        <Outputs>{members}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>""".encode()


@contextmanager
def running_fake_aws() -> Iterator[FakeAws]:
    """Serve it on a free port of 127.0.0.1."""
    fake = FakeAws()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            target = self.headers.get("X-Amz-Target", "")
            status, headers, content = fake.answer(self.command, target, self.path, body)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    fake.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
