"""Lambda: each function's own deployed zip, run by AWS's runtime client (awslambdaric) in a local process.

The Python and the packages are this environment's: a layer's native wheels are built for the cloud's machine and are
not unpacked, so a package that a layer forgot is not missed here.
"""

from __future__ import annotations

import base64
import contextlib
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

from moto.awslambda import responses
from moto.awslambda.exceptions import InvalidParameterValueException
from moto.awslambda.models import LambdaFunction, LayerVersion, lambda_backends

from rehearsal.aws.functions import limits, pool
from rehearsal.aws.functions.sandbox import Function, Invocation, error_document
from rehearsal.aws.iam import on_behalf, principals
from rehearsal.aws.iam.enforcement import AccessDenied

_LOG_TAIL_BYTES = 4096
"""Of a log, in the answer to whoever asks for it."""


def install() -> None:
    """Apply the repairs."""
    log_to_the_configured_group()
    run_functions_in_processes()
    limit_what_is_deployed()


def log_to_the_configured_group() -> None:
    """Honour ``LoggingConfig.LogGroup``: moto always writes to ``/aws/lambda/<name>``."""
    initialise = LambdaFunction.__init__

    def initialise_with_log_group(
        self: LambdaFunction, account_id: str, spec: dict[str, Any], *args: Any, **kw: Any
    ) -> None:
        initialise(self, account_id, spec, *args, **kw)
        self.logs_group_name = spec.get("LoggingConfig", {}).get("LogGroup", self.logs_group_name)

    LambdaFunction.__init__ = initialise_with_log_group


def run_functions_in_processes() -> None:
    """Run functions without Docker, with AWS's errors, and ``Event`` invocations in the background."""
    LambdaFunction.invoke = _invoke
    invoke = responses.LambdaResponse.invoke

    def invoke_qualified(self: responses.LambdaResponse) -> Any:
        """The version or alias that is asked for; moto looks for it under another name."""
        if qualifier := self.querystring.get("Qualifier"):
            self.querystring["qualifier"] = qualifier
        return invoke(self)

    responses.LambdaResponse.invoke = invoke_qualified
    # moto measures answers itself and draws the line at 6,000,000 bytes.
    responses.sys = SimpleNamespace(getsizeof=lambda _: 0)
    threading.Thread(target=pool.keep_closing_idle_sandboxes, daemon=True).start()


def limit_what_is_deployed() -> None:
    """Refuse too many environment variables, and too much code, of functions and of layers."""
    for change in ("__init__", "update_configuration", "update_function_code"):
        setattr(LambdaFunction, change, _within_limits(getattr(LambdaFunction, change)))
    publish = LayerVersion.__init__

    def publish_within_limits(self: LayerVersion, *args: Any, **kw: Any) -> None:
        publish(self, *args, **kw)
        limits.check_archive(self.code_bytes)

    LayerVersion.__init__ = publish_within_limits


def _within_limits(change: Callable[..., Any]) -> Callable[..., Any]:
    def change_within_limits(self: LambdaFunction, *args: Any, **kw: Any) -> Any:
        before = dict(vars(self))
        result = change(self, *args, **kw)
        try:
            limits.check_environment(self.environment_vars)
            limits.check_archives(self.code_bytes, _layers(self))
        except InvalidParameterValueException:
            vars(self).update(before)
            raise
        return result

    return change_within_limits


def _layers(function: LambdaFunction) -> Iterator[bytes]:
    backend = lambda_backends[function.account_id][function.region]
    for layer in function.layers:
        yield backend.layers_versions_by_arn(layer["Arn"]).code_bytes


def _invoke(self: LambdaFunction, body: str | bytes, request_headers: Any, response_headers: Any) -> str | bytes:
    payload = (body.encode() if isinstance(body, str) else body) or b"{}"
    is_event = request_headers.get("X-Amz-Invocation-Type") == "Event"
    limits.check_request(len(payload), is_event)
    limits.check_json(payload)
    if is_event:
        threading.Thread(target=_run, args=(self, payload), daemon=True).start()
        return ""
    invocation = _run(self, payload)
    response_headers["X-Amz-Executed-Version"] = str(self.version)
    if request_headers.get("X-Amz-Log-Type") == "Tail":
        end = invocation.log.encode()[-_LOG_TAIL_BYTES:]
        response_headers["x-amz-log-result"] = base64.b64encode(end).decode()
    if invocation.is_error:
        response_headers["x-amz-function-error"] = "Unhandled"
    return invocation.payload


def _run(function: LambdaFunction, payload: bytes) -> Invocation:
    invocation = pool.invoke(_as_function(function), payload)
    if limits.is_too_large(invocation.payload):
        payload = error_document("Function.ResponseSizeTooLarge", limits.RESPONSE_TOO_LARGE)
        invocation = Invocation(payload, is_error=True, log=invocation.log)
    _save_logs(function, invocation.log)
    return invocation


def _save_logs(function: LambdaFunction, text: str) -> None:
    """Write a function's log if its role may: Lambda runs it either way."""
    role = principals.session(function.role, function.function_name)
    with contextlib.suppress(AccessDenied):
        on_behalf.require_all(role, on_behalf.log_writes(function.logs_group_name, "latest", function.region))
        function.logs_backend.ensure_log_group(function.logs_group_name)
        function.save_logs(text)


def _as_function(function: LambdaFunction) -> Function:
    principal = on_behalf.assume(function.role, "lambda.amazonaws.com", function.function_name)
    environment = function.environment_vars | on_behalf.credentials(principal).environment()
    return Function(
        name=function.function_name,
        arn=function.function_arn,
        region=function.region,
        code=pool.unpack(function.code_bytes),
        handler=function.handler,
        environment=tuple(sorted((name, str(value)) for name, value in environment.items())),
        timeout_seconds=int(function.timeout),
        memory_mb=int(function.memory_size),
        log_group=function.logs_group_name,
        temporary_mb=int(function.ephemeral_storage),
    )
