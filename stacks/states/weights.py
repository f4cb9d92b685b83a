"""Stage weights: ImageNet's into the data bucket, where jobs without internet find them."""

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.states.failure import Failure
from stacks.states.jsonata import expression
from stacks.states.retries import retry_throttling


def stage_weights(scope: Construct, function: lambda_.IFunction, failure: Failure) -> sfn.Chain:
    """One Lambda, skipped where training starts from other weights."""
    state = tasks.LambdaInvoke.jsonata(
        scope,
        "Stage weights",
        lambda_function=function,
        payload=sfn.TaskInput.from_object(
            {"bucket": expression("$run.dataset.bucket"), "candidates": expression("$run.candidates")}
        ),
        outputs={},
    )
    retry_throttling(state)
    return (
        sfn.Choice.jsonata(scope, "ImageNet weights?")
        .when(sfn.Condition.jsonata(expression("$run.input.weights = 'imagenet'")), failure.catch(state))
        .afterwards(include_otherwise=True)
    )
