"""The page's server: on 127.0.0.1 alone, and for its own page alone."""

import json
import sys
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from console.try_page.aws import Failure
from console.try_page.endpoint import MAXIMUM_BODY, Endpoint
from console.try_page.labelled_photos import LabelledPhotos

_PAGE = Path(__file__).with_name("page.html")
_HEADERS = {
    # The page reaches nothing but this server, and no other site can show it in a frame.
    "Content-Security-Policy": "default-src 'none'; img-src 'self' blob:; connect-src 'self'; "
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Response(NamedTuple):
    """What a route answers."""

    content: bytes
    media_type: str
    status: int = HTTPStatus.OK


class PageServer(ThreadingHTTPServer):
    """Serves the page, the test photos and the endpoint's answers. Raises OSError when the port is taken."""

    daemon_threads = True

    def __init__(self, port: int, endpoint: Endpoint, photos: LabelledPhotos) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.endpoint, self.photos = endpoint, photos
        self.url = f"http://127.0.0.1:{self.server_port}/"
        self.names = {f"127.0.0.1:{self.server_port}", f"localhost:{self.server_port}"}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that has gone away is no fault."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """One request. GET: the page and what it shows; POST /count: a photo."""

    server: PageServer
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def _get(self) -> Response:
        if self.path == "/":
            return Response(_PAGE.read_bytes(), "text/html; charset=utf-8")
        if self.path == "/endpoint":
            endpoint = self.server.endpoint
            return _json({"name": endpoint.name, "region": endpoint.region, "address": endpoint.address})
        if self.path == "/photos":
            found = self.server.photos.find()
            photos = [{"id": id, "count": count} for id, count in found.counts.items()]
            return _json({"execution": found.execution, "photos": photos})
        if self.path.startswith("/photos/"):
            return Response(self.server.photos.photo(unquote(self.path.removeprefix("/photos/"))), "image/jpeg")
        raise Failure(HTTPStatus.NOT_FOUND, f"There is nothing at {self.path}.")

    def _post(self) -> Response:
        if self.path != "/count":
            raise Failure(HTTPStatus.NOT_FOUND, f"There is nothing at {self.path}.")
        return _json(self.server.endpoint.count(self._body()))

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal()):
            raise Failure(HTTPStatus.LENGTH_REQUIRED, "The request does not say how long it is.")
        if int(length) > MAXIMUM_BODY:
            raise Failure(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The photo has more than 6 MB, which is the most.")
        body = self.rfile.read(int(length))
        if not body:
            raise Failure(HTTPStatus.BAD_REQUEST, "The file is empty.")
        return body

    def _check_sender(self) -> None:
        """Another site's page must not ask: neither by a name of its own for this address, nor across origins."""
        host, origin = self.headers.get("Host", ""), self.headers.get("Origin")
        if host not in self.server.names or origin not in (None, f"http://{host}"):
            raise Failure(HTTPStatus.FORBIDDEN, f"Only the page at {self.server.url} may ask.")

    def _answer(self, route: Callable[[], Response]) -> None:
        try:
            self._check_sender()
            response = route()
        except Failure as error:
            response = _json({"error": str(error)}, error.status)
            # Its body may not have been read.
            self.close_connection = True
        self.send_response(response.status)
        headers = {"Content-Type": response.media_type, "Content-Length": str(len(response.content)), **_HEADERS}
        for name, value in headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(response.content)

    def log_message(self, format: str, *arguments: Any) -> None:
        """The terminal is not for requests."""


def _json(content: Any, status: int = HTTPStatus.OK) -> Response:
    return Response(json.dumps(content).encode(), "application/json", status)
