"""What the emulated AWS refuses or fails to do is told in the protocol of the service that was called."""

from __future__ import annotations

import io
import json
import traceback
import uuid
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from xml.sax.saxutils import escape

from botocore.exceptions import UnknownServiceError

from rehearsal.aws.iam import requests
from rehearsal.aws.iam.enforcement import AccessDenied, MissingToken
from rehearsal.aws.iam.requests import Call

_PAGE = b"<!doctype html>"
"""How the web framework's own answers begin, such as that to an address that no service has."""

_Answer = tuple[int, list[tuple[str, str]], bytes]


class InProtocol:
    """A WSGI application whose denials, gaps and failures reach clients as errors that they can read."""

    def __init__(self, application: Callable[..., Any]) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("PATH_INFO", "/").startswith("/moto-api"):
            inner: Iterable[bytes] = self._application(environ, start_response)
            return inner
        call = _read(environ)
        environ["rehearsal.call"] = call
        started: list[Any] = []
        try:
            body: Iterable[bytes] = self._application(environ, lambda *arguments: started.extend(arguments))
            if not started[0].startswith(("404", "405")):
                start_response(*started)
                return body
            found = b"".join(body)
            if not found.startswith(_PAGE):
                start_response(*started)
                return [found]
            status, headers, content = _not_emulated(call)
        except AccessDenied as denied:
            status, headers, content = _denied(call, denied)
        except (NotImplementedError, UnknownServiceError):
            status, headers, content = _not_emulated(call)
        except Exception as error:
            traceback.print_exc()
            text = f"The rehearsal failed at {requests.operation_of(call)}: {type(error).__name__}: {error}"
            status, headers, content = _error(call, "InternalFailure", text, 500)
        _drain(environ)
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [] if call.method == "HEAD" else [content]


def _denied(call: Call, denied: AccessDenied) -> _Answer:
    code, service = denied.code, call.service
    if service != "s3" and not requests.is_query(call):
        code = "AccessDeniedException" if code == "AccessDenied" else code
        status = 403 if service == "lambda" or isinstance(denied, MissingToken) else 400
        return _error(call, code, str(denied), status)
    if service == "sns" and code == "AccessDenied":
        code = "AuthorizationError"
    return _error(call, code, str(denied), 403)


def _not_emulated(call: Call) -> _Answer:
    """AWS's refusal of an operation that it does not know, with a sentence on whose gap it is."""
    text = f"The rehearsal does not have the operation {requests.operation_of(call)} of {call.service}."
    if call.service == "s3":
        return _error(call, "NotImplemented", text, 501)
    return _error(call, "InvalidAction" if requests.is_query(call) else "UnknownOperationException", text, 400)


def _error(call: Call, code: str, text: str, status: int) -> _Answer:
    request_id = str(uuid.uuid4())
    error = f"<Code>{code}</Code><Message>{escape(text)}</Message>"
    if call.service == "s3":
        xml = f"<Error>{error}<RequestId>{request_id}</RequestId></Error>"
        return status, [("Content-Type", "application/xml"), ("x-amz-request-id", request_id)], xml.encode()
    if requests.is_query(call):
        error = f"<Error><Type>{'Sender' if status < 500 else 'Receiver'}</Type>{error}</Error>"
        xml = f"<ErrorResponse>{error}<RequestId>{request_id}</RequestId></ErrorResponse>"
        return status, [("Content-Type", "text/xml")], xml.encode()
    headers = [("Content-Type", "application/json"), ("x-amzn-errortype", code), ("x-amzn-requestid", request_id)]
    return status, headers, json.dumps({"__type": code, "Message": text, "message": text}).encode()


def _read(environ: dict[str, Any]) -> Call:
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").title(): str(value)
        for name, value in environ.items()
        if name.startswith("HTTP_") or name == "CONTENT_TYPE"
    }
    call = Call(
        environ["REQUEST_METHOD"],
        environ.get("PATH_INFO", "/"),
        environ.get("QUERY_STRING", ""),
        environ.get("HTTP_HOST", ""),
        headers,
    )
    if not requests.needs_body(call):
        return call
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return Call(call.method, call.path, call.query, call.host, headers, body)


def _drain(environ: dict[str, Any]) -> None:
    """Read what is left of a body: a client that is cut off while it sends never sees the answer."""
    left = int(environ.get("CONTENT_LENGTH") or 0)
    while left and (read := environ["wsgi.input"].read(min(left, 1 << 20))):
        left -= len(read)
