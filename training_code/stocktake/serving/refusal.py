"""Why a request, or one photo of it, gets no answer."""

from http import HTTPStatus


class RequestRefused(Exception):
    """The request cannot be answered; `status` is its HTTP status and the message says why."""

    def __init__(self, status: HTTPStatus, message: str):
        super().__init__(message)
        self.status = status
