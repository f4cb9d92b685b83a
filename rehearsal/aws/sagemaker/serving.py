"""The serving container's stand-in: a model's Ray Serve application behind /ping and /invocations.

The cloud's image runs ``serve run config.yaml`` and forwards ``/invocations`` to the application's root route. This
script runs the application of the same file in one process, in Ray Serve's local testing mode: no cluster, and no
listener but its own on 127.0.0.1. It is started as ``python serving.py CONFIG PORT_FILE``; the port is chosen by the
system and written to PORT_FILE when the application is ready.
"""

from __future__ import annotations

import importlib
import socket
import sys
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import uvicorn
import yaml  # type: ignore[import-untyped]
from ray import serve
from ray.serve.handle import DeploymentHandle
from ray.serve.schema import ServeDeploySchema
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

Message = MutableMapping[str, Any]

# As the image's adapter: these travel to the application and back, besides the content type.
_FORWARDED_PREFIX = b"x-amzn-sagemaker-"


def load_application(config: Path) -> DeploymentHandle:
    """Run the first application of a Serve config file in this process.

    Raises
    ------
    ValueError, ImportError, AttributeError
        The file is not a valid config, or names what cannot be imported.
    """
    schema = ServeDeploySchema.model_validate(yaml.safe_load(config.read_text()))
    module, _, attribute = schema.applications[0].import_path.rpartition(":")
    application = getattr(importlib.import_module(module), attribute)
    return serve.run(application, name=schema.applications[0].name, _local_testing_mode=True)


class Adapter:
    """The ASGI application that SageMaker's side talks to."""

    def __init__(self, application: DeploymentHandle) -> None:
        self._application = application

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        answer: Response
        match scope.get("method"), scope.get("path"):
            case "GET", "/ping":
                answer = Response()
            case "POST", "/invocations":
                answer = await self._invoke(scope, await Request(scope, receive).body())
            case _:
                answer = PlainTextResponse("Not Found", status_code=404)
        await answer(scope, receive, send)

    async def _invoke(self, scope: Message, body: bytes) -> Response:
        given = dict(scope["headers"])
        headers = {name: value for name, value in given.items() if name.startswith(_FORWARDED_PREFIX)}
        headers |= {name: given.get(name, b"application/json") for name in (b"content-type", b"accept")}
        headers[b"content-length"] = str(len(body)).encode()
        root = {**scope, "path": "/", "raw_path": b"/", "headers": list(headers.items())}
        try:
            result = await self._application.remote(_detached(root, body))
        except Exception:  # Ray Serve's proxy answers the same to whatever an application raises
            traceback.print_exc()
            return PlainTextResponse("Internal Server Error", status_code=500)
        return result if isinstance(result, Response) else JSONResponse(result)


def _detached(scope: Message, body: bytes) -> Request:
    """A request that can be copied to the application's own thread, as Ray Serve copies it between processes."""
    plain = {name: value for name, value in scope.items() if name not in ("app", "extensions", "state")}

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(plain, receive)


def main(config: Path, port_file: Path) -> None:
    """Serve until SIGTERM."""
    adapter = Adapter(load_application(config))
    listener = socket.create_server(("127.0.0.1", 0))
    ready = port_file.with_suffix(".new")
    ready.write_text(str(listener.getsockname()[1]))
    ready.replace(port_file)
    server = uvicorn.Server(uvicorn.Config(adapter, lifespan="off", access_log=False, timeout_graceful_shutdown=3))
    server.run(sockets=[listener])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
