"""Write report: the page of the whole execution, of one that failed too. Its own failure changes nothing."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.states.invoke import invoke
from stacks.states.jsonata import expression, object_of

_SPENT = {
    "trainingSeconds": "$sum([0, $spent.trainingSeconds])",
    "billableSeconds": "$sum([0, $spent.billableSeconds])",
    "featuresSeconds": "$featuresSeconds",
    "evaluationSeconds": "$evaluationSeconds",
}
"""JSONata: seconds of the jobs so far."""

COST = expression(f"$merge([{object_of(_SPENT)}, $cost])")
"""The output's `cost`: those seconds, and what Add up cost has made of the jobs."""

GIVEN = 8_000
"""Characters of the input that the page has room for where Plan could not complete it."""


def write_report(
    scope: Construct,
    name: str,
    function: lambda_.IFunction,
    output: str | Mapping[str, Any],
    failure: str,
    **options: Any,
) -> tasks.LambdaInvoke:
    """The state; `output` and `failure` are what the page is about. What it returns has the page's `uri`."""
    return invoke(
        scope,
        name,
        function,
        sfn.TaskInput.from_object(
            {
                "execution": {
                    "id": expression("$states.context.Execution.Id"),
                    "start": expression("$states.context.Execution.StartTime"),
                    "given": expression(f"$substring($string($states.context.Execution.Input), 0, {GIVEN})"),
                },
                "run": expression("$run"),
                "failure": failure,
                "output": output,
            }
        ),
        **options,
    )
