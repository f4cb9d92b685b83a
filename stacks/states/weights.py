"""Stage weights: ImageNet's into the data bucket, where jobs without internet find them."""

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.states.failure import Failure
from stacks.states.invoke import invoke
from stacks.states.jsonata import expression


def stage_weights(scope: Construct, function: lambda_.IFunction, failure: Failure) -> sfn.Chain:
    """One Lambda, skipped where training starts from other weights."""
    state = invoke(
        scope,
        "Stage weights",
        function,
        sfn.TaskInput.from_object(
            {
                "bucket": expression("$run.dataset.bucket"),
                "edition": expression("$run.input.weights"),
                "candidates": expression("$run.candidates"),
            }
        ),
        comment="Fetches published weights once and verifies their hashes.",
        outputs={},
    )
    published = sfn.Condition.jsonata(expression("$run.input.weights in ['imagenet', 'imagenet-v2']"))
    return (
        sfn.Choice.jsonata(
            scope,
            "ImageNet weights?",
            comment="Jobs have no internet: published weights are staged in the data bucket.",
        )
        .when(published, failure.catch(state))
        .afterwards(include_otherwise=True)
    )
