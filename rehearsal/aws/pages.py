"""Long answers in pages, with a token for the next."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from moto.core.exceptions import JsonRESTError


def page(
    found: list[Any], limit: int | None, token: str | None, usual: int = 100, refusal: str = "InvalidToken"
) -> tuple[list[Any], str | None]:
    """One page, and the token of the next. Without a limit, or with one of 0, a page has the ``usual`` length.

    ``refusal`` is the service's error for a token that it has not given.
    """
    try:
        first = int(base64.b64decode(token)) if token else 0
    except (ValueError, binascii.Error) as error:
        raise JsonRESTError(refusal, f"Invalid Token: '{token}'") from error
    last = first + int(limit or usual)
    return found[first:last], base64.b64encode(str(last).encode()).decode() if last < len(found) else None
