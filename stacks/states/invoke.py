"""A state that calls one of the functions."""

from typing import Any

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.states.retries import retry_until_run


def invoke(
    scope: Construct, name: str, function: lambda_.IFunction, payload: sfn.TaskInput, **options: Any
) -> tasks.LambdaInvoke:
    """Invoke `function`, allow the state machine to do so, and wait where it cannot run yet."""
    state = tasks.LambdaInvoke.jsonata(scope, name, lambda_function=function, payload=payload, **options)
    retry_until_run(state)
    return state
