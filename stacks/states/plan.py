"""Plan: validate the input, derive every name, sample the source."""

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.states.failure import Failure
from stacks.states.invoke import invoke
from stacks.states.jsonata import NULL, UNIQUE_EXECUTION, expression

UNKNOWN: dict[str, object] = {
    "extracted": [],
    "featuresSeconds": 0,
    "evaluationSeconds": 0,
    "evaluations": 0,
    "dataset": NULL,
    "comparison": NULL,
    "tuning": NULL,
    "training": NULL,
    "champion": NULL,
    "spent": [],
    "package": NULL,
    "reason": NULL,
}
"""What only some ways through the machine assign, as it is on the others."""


def plan(scope: Construct, function: lambda_.IFunction, failure: Failure) -> sfn.Chain:
    """One Lambda. Assigns `run`, and to what only some ways through the machine assign what it is on the others."""
    state = invoke(
        scope,
        "Plan",
        function,
        sfn.TaskInput.from_object(
            {
                "input": expression("$states.input"),
                "execution": UNIQUE_EXECUTION,
            }
        ),
        comment="Completes and checks the input, gives every name, and samples the source.",
        assign={
            "run": expression("$states.result.Payload"),
            "chosen": expression("$states.result.Payload.candidates[0]"),
            "hyperparameters": expression("$states.result.Payload.input.hyperparameters"),
            "failure": NULL,
            **UNKNOWN,
        },
    )
    # The report of a failure tells what is known.
    return sfn.Chain.start(failure.catch(state, known={"run": NULL, **UNKNOWN}))
