"""What Step Functions does in a state machine's role beyond the calls of its tasks."""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections.abc import Iterator
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.stepfunctions.parser.asl.utils import boto_client
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from rehearsal.aws import clients
from rehearsal.aws.iam import on_behalf, principals
from rehearsal.aws.iam.enforcement import AccessDenied
from rehearsal.aws.iam.principals import Principal
from rehearsal.aws.iam.requests import Need
from rehearsal.aws.location import ACCOUNT_ID

_SYNC = re.compile(r"states:::sagemaker:create(\w+?)Job\.sync")
_RULES = {"HyperParameterTuning": "Tuning"}
_LOG_DELIVERY = (
    "CreateLogDelivery",
    "GetLogDelivery",
    "UpdateLogDelivery",
    "DeleteLogDelivery",
    "ListLogDeliveries",
    "PutResourcePolicy",
    "DescribeResourcePolicies",
    "DescribeLogGroups",
)
_TRACING = ("PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets")


def role_session(role_arn: str) -> Principal:
    """The state machine's role as Step Functions takes it; that it may was seen when the machine got the role."""
    return principals.session(role_arn, "StepFunctions")


def act_in_the_state_machines_role() -> None:
    """Let tasks and item readers make their calls in the execution's role: moto's clients have no identity.

    Each client is made once: moto makes one for every task, in the task's thread, which boto3 does not allow.
    """

    def client_for(region: str, service: str, state_credentials: Any = None) -> Any:
        principal = role_session(state_credentials.role_arn)
        return clients.client(service, region, principal, check_parameters=False)

    original = boto_client.boto_client_for
    for module in list(sys.modules.values()):
        if getattr(module, "boto_client_for", None) is original:
            module.boto_client_for = client_for  # type: ignore[attr-defined]


def check_roles_of_state_machines() -> None:
    """Refuse a state machine whose role lacks what its jobs' rules and its log need, as AWS does."""
    create, update = StepFunctionsParserBackend.create_state_machine, StepFunctionsParserBackend.update_state_machine

    def create_checked(self: StepFunctionsParserBackend, *args: Any, **kwargs: Any) -> Any:
        given = dict(zip(("name", "definition", "roleArn"), args, strict=False)) | kwargs
        _check(self.region_name, given["definition"], given["roleArn"], given.get("loggingConfiguration"))
        return create(self, *args, **kwargs)

    def update_checked(self: StepFunctionsParserBackend, arn: str, *args: Any, **kwargs: Any) -> Any:
        given = dict(zip(("definition", "role_arn", "logging_configuration"), args, strict=False)) | kwargs
        machine = self.describe_state_machine(arn)
        definition, role = given.get("definition") or machine.definition, given.get("role_arn") or machine.roleArn
        _check(self.region_name, definition, role, given.get("logging_configuration"))
        return update(self, arn, *args, **kwargs)

    StepFunctionsParserBackend.create_state_machine = create_checked
    StepFunctionsParserBackend.update_state_machine = update_checked


def trace_executions() -> None:
    """Note what X-Ray needs at each start. Without it AWS drops the traces, and the execution goes on."""
    start = StepFunctionsParserBackend.start_execution

    def start_traced(self: StepFunctionsParserBackend, state_machine_arn: str, *args: Any, **kwargs: Any) -> Any:
        machine = self.describe_state_machine(state_machine_arn)
        if (machine.tracingConfiguration or {}).get("enabled"):
            with contextlib.suppress(AccessDenied):
                needs = (Need(f"xray:{action}", "*") for action in _TRACING)
                on_behalf.require_all(role_session(machine.roleArn), needs)
        return start(self, state_machine_arn, *args, **kwargs)

    StepFunctionsParserBackend.start_execution = start_traced


def map_run_needs(machine_arn: str) -> Iterator[Need]:
    """What a Distributed Map needs: to start its children, which are executions, and to look at them.

    https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
    """
    yield Need("states:StartExecution", machine_arn)
    yield Need("states:DescribeExecution", f"{machine_arn.replace(':stateMachine:', ':execution:')}:child")


def _check(region: str, definition: str, role_arn: str, logging: Any) -> None:
    rules = {_RULES.get(kind, kind) for kind in _SYNC.findall(json.dumps(json.loads(definition)))}
    place = f"arn:aws:events:{region}:{ACCOUNT_ID}:rule/StepFunctionsGetEventsForSageMaker"
    needs = [
        Need(f"events:{action}", f"{place}{kind}JobsRule")
        for kind in sorted(rules)
        for action in ("PutRule", "PutTargets", "DescribeRule")
    ]
    if logging and logging.get("destinations"):
        needs += [Need(f"logs:{action}", "*") for action in _LOG_DELIVERY]
    try:
        on_behalf.require_all(role_session(role_arn), needs)
    except AccessDenied as denied:
        raise JsonRESTError("AccessDeniedException", str(denied)) from denied
