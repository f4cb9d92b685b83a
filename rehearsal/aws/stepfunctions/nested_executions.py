"""The integration ``states:startExecution``, and ``.sync`` and ``.sync:2`` of it."""

from __future__ import annotations

from typing import Any

from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sfn import (
    StateTaskServiceSfn,
)

from rehearsal.aws.service_models import service_model
from rehearsal.aws.stepfunctions import sdk


def spell_requests_and_answers() -> None:
    """Spell arguments as the API does and answers with capitals: moto does neither and fails at ``StateMachineArn``."""
    normalise = StateTaskServiceSfn._normalise_parameters

    def to_api(self: StateTaskServiceSfn, parameters: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        normalise(self, parameters, *args, **kwargs)
        self._to_boto_request(parameters, sdk.operation(self).input_shape)

    def from_api(
        self: StateTaskServiceSfn, response: dict[str, Any], *_: Any, service_action_name: str | None = None
    ) -> None:
        name = "DescribeExecution" if service_action_name else "StartExecution"
        spelled = sdk.as_json(response, service_model("stepfunctions").operation_model(name).output_shape)
        response.clear()
        response.update(spelled)

    StateTaskServiceSfn._normalise_parameters = to_api
    StateTaskServiceSfn._normalise_response = from_api
