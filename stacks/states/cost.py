"""Add up cost: what an execution's jobs are billed, of one that failed too. Its own failure changes nothing."""

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.states.invoke import invoke
from stacks.states.jsonata import NULL, SENTENCE, expression

_PRICED = ("run", "extracted", "dataset", "comparison", "tuning", "training", "evaluationSeconds", "failure")
"""Variables that the cost follows from."""

UNKNOWN_COST = {"cost": {"usd": NULL, "reason": expression(SENTENCE)}}
"""What to assign where the state fails."""


def add_up_cost(scope: Construct, name: str, function: lambda_.IFunction, comment: str) -> tasks.LambdaInvoke:
    """Assigns `cost`."""
    return invoke(
        scope,
        name,
        function,
        sfn.TaskInput.from_object({name: expression(f"${name}") for name in _PRICED}),
        assign={"cost": expression("$states.result.Payload")},
        outputs={},
        comment=comment,
    )
