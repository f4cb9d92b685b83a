"""A service's own constraints on a request, taken from the service model that botocore ships.

botocore checks types and required members before it sends; lengths, ranges, patterns and enumerated values are
checked by the service, and moto does not.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import regex
from botocore import xform_name
from botocore.model import Shape
from moto.core.exceptions import JsonRESTError
from moto.core.responses import BaseResponse

from rehearsal.aws.service_models import service_model

_BEYOND_THE_BASIC_PLANE = r"\uD800\uDC00-\uDBFF\uDFFF"
"""As the service models write U+10000 to U+10FFFF."""


class InvalidValue(JsonRESTError):
    """A request with a value that the service forbids; `code` is the service's own name for that."""

    def __init__(self, message: str, code: str = "ValidationException") -> None:
        super().__init__(code, message)


def enforce(responses: type[BaseResponse], service: str, code: str = "ValidationException") -> None:
    """Check every request to a service of the JSON protocol: its class of moto's answers, its name in botocore."""
    for operation in service_model(service).operation_names:
        method = getattr(responses, xform_name(operation), None)
        if method:
            setattr(responses, xform_name(operation), _checked(operation, method, service, code))


def check(
    operation: str, request: Mapping[str, Any], service: str = "sagemaker", code: str = "ValidationException"
) -> None:
    """Refuse a request that a service would refuse for a single member's value.

    Raises
    ------
    InvalidValue
        With a sentence for each violation, in AWS's words.
    """
    violations = list(_violations(service_model(service).operation_model(operation).input_shape, request, ""))
    if violations:
        noun = "error" if len(violations) == 1 else "errors"
        raise InvalidValue(f"{len(violations)} validation {noun} detected: {'; '.join(violations)}", code)


def _checked(operation: str, method: Callable[[Any], Any], service: str, code: str) -> Callable[[Any], Any]:
    @functools.wraps(method)
    def check_and_answer(self: Any) -> Any:
        request = self.body if isinstance(self.body, dict) else json.loads(self.body or "{}")  # DynamoDB's is read
        check(operation, request, service, code)
        return method(self)

    return check_and_answer


def _violations(shape: Any, value: Any, path: str) -> Iterator[str]:
    if value is None:
        return
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            yield from _violations(member, value.get(name), f"{path}.{name}".lstrip("."))
    elif shape.type_name == "list":
        yield from _size_violations(shape, len(value), value, path)
        for index, item in enumerate(value, start=1):
            yield from _violations(shape.member, item, f"{path}.{index}.member")
    elif shape.type_name == "map":
        yield from _size_violations(shape, len(value), value, path)
        for key, item in value.items():
            yield from _violations(shape.key, key, f"{path}.key")
            yield from _violations(shape.value, item, f"{path}.{key}")
    elif shape.type_name == "string":
        yield from _size_violations(shape, len(value), value, path)
        yield from _text_violations(shape, value, path)
    elif shape.type_name in ("integer", "long", "float", "double"):
        yield from _size_violations(shape, value, value, path)


def _size_violations(shape: Shape, size: float, value: Any, path: str) -> Iterator[str]:
    kind = "value" if size is value else "length"
    if size < shape.metadata.get("min", size):
        yield _sentence(value, path, f"have {kind} greater than or equal to {shape.metadata['min']}")
    if size > shape.metadata.get("max", size):
        yield _sentence(value, path, f"have {kind} less than or equal to {shape.metadata['max']}")


def _text_violations(shape: Shape, value: str, path: str) -> Iterator[str]:
    allowed = shape.metadata.get("enum")
    if allowed and value not in allowed:
        yield _sentence(value, path, f"satisfy enum value set: [{', '.join(allowed)}]")
    pattern = shape.metadata.get("pattern")
    if pattern and not compiled(pattern).fullmatch(value):
        yield _sentence(value, path, f"satisfy regular expression pattern: {pattern}")


def _sentence(value: Any, path: str, demand: str) -> str:
    path = ".".join(part[0].lower() + part[1:] for part in path.split("."))
    return f"Value '{value}' at '{path}' failed to satisfy constraint: Member must {demand}"


@functools.cache
def compiled(pattern: str) -> regex.Pattern[str]:
    """A pattern in the services' dialect, which is Java's: its `\\p{...}` classes and pairs of UTF-16."""
    return regex.compile(pattern.replace(_BEYOND_THE_BASIC_PLANE, r"\U00010000-\U0010FFFF"))
