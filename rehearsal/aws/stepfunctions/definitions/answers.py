"""CreateStateMachine, UpdateStateMachine and ValidateStateMachineDefinition, as they answer for invalid definitions."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.stepfunctions.parser.api import InvalidDefinition
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse

from rehearsal.aws.stepfunctions.definitions import diagnose

_MOST = 100
"""Diagnostics in an answer."""


def refuse_invalid_definitions() -> None:
    """Check definitions before they are taken: moto takes whatever its grammar can read."""
    create, update = StepFunctionsParserBackend.create_state_machine, StepFunctionsParserBackend.update_state_machine

    def create_state_machine(
        self: StepFunctionsParserBackend, name: str, definition: str, *args: Any, **kwargs: Any
    ) -> Any:
        _refuse_if_invalid(definition, kwargs.get("sm_type"))
        return create(self, name, definition, *args, **kwargs)

    def update_state_machine(
        self: StepFunctionsParserBackend, arn: str, definition: str | None = None, *args: Any, **kwargs: Any
    ) -> Any:
        if definition is not None:
            _refuse_if_invalid(definition, self.describe_state_machine(arn).type)
        return update(self, arn, definition, *args, **kwargs)

    StepFunctionsParserBackend.create_state_machine = create_state_machine
    StepFunctionsParserBackend.update_state_machine = update_state_machine


def validate_definitions() -> None:
    """Answer ValidateStateMachineDefinition, which moto does not know."""

    def validate_state_machine_definition(self: StepFunctionResponse) -> ActionResult:
        diagnostics = diagnose(self._get_param("definition"), self._get_param("type") == "EXPRESS")
        most = self._get_param("maxResults") or _MOST
        return ActionResult(
            {
                "result": "FAIL" if diagnostics else "OK",
                "diagnostics": [
                    {"severity": "ERROR", "code": error.code, "message": error.message}
                    | ({"location": error.location} if error.location else {})
                    for error in diagnostics[:most]
                ],
                "truncated": len(diagnostics) > most,
            }
        )

    StepFunctionResponse.validate_state_machine_definition = validate_state_machine_definition


def _refuse_if_invalid(definition: str, type: str | None) -> None:
    if errors := diagnose(definition, type == "EXPRESS"):
        raise InvalidDefinition(f"Invalid State Machine Definition: '{', '.join(map(str, errors))}'")
