"""The HTTP side of the Lambda runtime API that one sandbox's runtime client talks to.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Event:
    """What the runtime client receives for one invocation."""

    request_id: str
    payload: bytes
    function_arn: str
    timeout_seconds: int


@dataclass(frozen=True)
class Answer:
    """What the runtime client sends back: a response, or an error document."""

    payload: bytes
    is_error: bool


class RuntimeApi:
    """A runtime API on a free port of 127.0.0.1."""

    def __init__(self) -> None:
        self.ready = threading.Event()
        """Set once the runtime client has loaded the function and asks for work."""
        self.answers: queue.Queue[Answer] = queue.Queue()
        self._events: queue.Queue[Event | None] = queue.Queue()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        """Host and port for ``AWS_LAMBDA_RUNTIME_API``."""
        return f"127.0.0.1:{self._server.server_port}"

    def send(self, event: Event) -> None:
        """Hand an event to the runtime client's next request."""
        self._events.put(event)

    def next_event(self) -> Event | None:
        """The next event, waiting for it; None when the API is closed."""
        self.ready.set()
        return self._events.get()

    def close(self) -> None:
        """Stop serving."""
        self._events.put(None)
        self._server.shutdown()
        self._server.server_close()


def _handler_for(api: RuntimeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """``/runtime/invocation/next``"""
            event = api.next_event()
            if event is None:
                self.close_connection = True
                return
            deadline = int((time.time() + event.timeout_seconds) * 1000)
            headers = {
                "Content-Type": "application/json",
                "Lambda-Runtime-Aws-Request-Id": event.request_id,
                "Lambda-Runtime-Invoked-Function-Arn": event.function_arn,
                "Lambda-Runtime-Deadline-Ms": str(deadline),
            }
            self._reply(200, event.payload, headers)

        def do_POST(self) -> None:
            """``/runtime/invocation/<id>/response``, ``/runtime/invocation/<id>/error``, ``/runtime/init/error``"""
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            api.answers.put(Answer(body, is_error=self.path.endswith("/error")))
            self._reply(202, b"", {})

        def _reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Write no line for each request."""

    return Handler
