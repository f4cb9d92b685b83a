"""Calls that AWS refuses before anything runs, and what they are refused with."""

from __future__ import annotations

import datetime
import json
import uuid
from typing import Any

from moto.core.exceptions import AWSError
from moto.core.responses import ActionResult
from moto.stepfunctions.exceptions import ValidationException
from moto.stepfunctions.parser import api
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse

from rehearsal.aws.stepfunctions.limits import PAYLOAD_BYTES


def name_errors() -> None:
    """Answer by the errors' names (``InvalidDefinition``): those of moto's interpreter have none, and no sentence.

    Raised without a sentence they fail themselves, which answers 500.
    """
    errors: list[Any] = [kind for kind in vars(api).values() if isinstance(kind, type) and issubclass(kind, AWSError)]
    for error in errors:
        if isinstance(vars(error).get("code"), str):
            error.TYPE = error.code
            if "__init__" not in vars(error):
                error.__init__ = _initialise


def refuse_another_machine_of_the_name() -> None:
    """Answer CreateStateMachine alike for the same machine and refuse another: moto keeps the first and says OK."""
    create = StepFunctionsParserBackend.create_state_machine

    def create_or_refuse(self: StepFunctionsParserBackend, *args: Any, **kwargs: Any) -> Any:
        machine = create(self, *args, **kwargs)
        wanted = dict(zip(("name", "definition", "roleArn"), args, strict=False)) | kwargs
        kept = {
            "definition": machine.definition,
            "loggingConfiguration": machine.loggingConfiguration,
            "tracingConfiguration": machine.tracingConfiguration,
        }
        # What is not given may have any value: moto fills in AWS's defaults.
        if any(wanted.get(field) not in (None, value) for field, value in kept.items()):
            raise api.StateMachineAlreadyExists(f"State Machine Already Exists: '{machine.arn}'")
        return machine

    StepFunctionsParserBackend.create_state_machine = create_or_refuse


def take_only_good_names_and_inputs() -> None:
    """Refuse what no execution can be started with, and give one without a name a UUID.

    moto takes every name, calls one without ``None``, and names no error.
    """
    start = StepFunctionsParserBackend.start_execution

    def start_checked(
        self: StepFunctionsParserBackend, arn: str, name: str | None, execution_input: str = "{}", *args: Any
    ) -> Any:
        name = name or str(uuid.uuid4())
        self._validate_name(name)
        _check_input(execution_input)
        return start(self, arn, name, execution_input, *args)

    StepFunctionsParserBackend.start_execution = start_checked


def refuse_what_is_no_arn() -> None:
    """Say what is wrong with an execution's ARN that is none: moto says that there is no such execution."""
    validate = StepFunctionsParserBackend._validate_execution_arn

    def validate_prefix(self: StepFunctionsParserBackend, execution_arn: str) -> None:
        if not execution_arn.startswith("arn:"):
            raise api.InvalidArn(f"Invalid Arn: 'Invalid ARN prefix: {execution_arn}'")
        validate(self, execution_arn)

    StepFunctionsParserBackend._validate_execution_arn = validate_prefix


def keep_what_an_execution_is_stopped_with() -> None:
    """Hand StopExecution's error and cause on: moto drops both."""

    def stop(self: StepFunctionResponse) -> Any:
        execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        now = datetime.datetime.now(datetime.UTC)
        execution.stop(stop_date=now, error=self._get_param("error"), cause=self._get_param("cause"))
        return ActionResult({"stopDate": execution.stop_date})

    StepFunctionResponse.stop_execution = stop


def _initialise(self: AWSError, message: str = "", *args: Any, **kwargs: Any) -> None:
    AWSError.__init__(self, message, *args, **kwargs)


def _check_input(text: str) -> None:
    if len(text.encode()) > PAYLOAD_BYTES:
        constraint = f"Member must have length less than or equal to {PAYLOAD_BYTES}"
        raise ValidationException(
            f"1 validation error detected: Value at 'input' failed to satisfy constraint: {constraint}"
        )
    try:
        json.loads(text, parse_constant=_refuse_constant)
    except ValueError as error:
        raise api.InvalidExecutionInput(f"Invalid State Machine Execution Input: '{error}'") from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"Unrecognized token '{name}'")
