"""A state that calls an AWS API and keeps of its answer only what it assigns."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.checks import accept
from stacks.states.retries import retry_call


def call_aws(
    scope: Construct,
    name: str,
    action: str,
    resources: Sequence[str],
    parameters: Mapping[str, Any],
    *,
    assign: Mapping[str, Any] | None = None,
    outputs: Mapping[str, Any] | str | None = None,
    wildcard: str | None = None,
    comment: str | None = None,
    answers: Sequence[str] = (),
) -> tasks.CallAwsService:
    """Call `action`, such as `cloudformation:updateStack`, and allow the state machine to do so on `resources`.

    Parameters
    ----------
    wildcard
        Why a resource has to be a pattern, if one is.
    answers
        Errors that another try would not change; the call is made once for them.
    """
    service, _, api = action.partition(":")
    permission = action.replace("sfn:", "states:")  # the SDK's name of the service is not IAM's
    if wildcard:
        accept(scope, wildcard, iam.PolicyStatement(actions=[permission], resources=resources))
    state = tasks.CallAwsService.jsonata(
        scope,
        name,
        service=service,
        action=api,
        iam_action=permission,
        iam_resources=list(resources),
        parameters=dict(parameters),
        assign=dict(assign) if assign else None,
        outputs=outputs or {},
        comment=comment,
    )
    retry_call(state, answers)
    return state
