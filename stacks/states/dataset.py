"""Catalogue, Split, Pack and Seal: from photos in the source to shards; skipped where the dataset exists already."""

from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.checks import OBJECT_KEYS, accept
from stacks.states.failure import Failure, catch_everything
from stacks.states.invoke import invoke
from stacks.states.jsonata import SENTENCE, expression
from stacks.workflow.functions import Functions

_TOLD = 20
"""Failed items of a map that a failure's cause quotes."""

# The causes of all items together are a map's result, which has 256 KiB at most: those of 535 batches, the whole
# dataset's, fit even where each character takes four bytes.
_SHORT_SENTENCE = f"""(
    $sentence := {SENTENCE};
    $substring($sentence, 0, $contains($sentence, /[^ -~]/) ? 40 : 100)
)"""


def dataset(
    scope: Construct, functions: Functions, data_bucket: s3.IBucket, concurrency: int, failure: Failure
) -> sfn.Chain:
    """Assigns `dataset`: id, uri, counts, uncounted images and rejects, as the execution's output has them."""

    def step(name: str, function: lambda_.IFunction, **options: Any) -> tasks.LambdaInvoke:
        payload = sfn.TaskInput.from_object({"dataset": expression("$run.dataset")})
        return failure.catch(invoke(scope, name, function, payload, **options))

    split = step("Split", functions.split, comment="Each group of linked bins in one split, by a stable hash.")
    seal = step(
        "Seal",
        functions.seal,
        comment="Writes the dataset's card, last: it marks the dataset complete.",
        assign={"dataset": expression("$states.result.Payload")},
    )
    reuse = sfn.Pass.jsonata(
        scope,
        "Reuse dataset",
        comment="Its card has what the execution's output tells of a dataset.",
        assign={"dataset": expression("$run.dataset.card")},
    )

    def over(name: str, function: lambda_.IFunction, items: str, item: str, comment: str) -> sfn.Chain:
        return _each(
            scope,
            name,
            function,
            data_bucket,
            items=items,
            item=item,
            concurrency=concurrency,
            failure=failure,
            comment=comment,
        )

    build = (
        over(
            "Catalogue",
            functions.catalogue,
            "batches",
            "batch",
            comment="Reads each bin's metadata: kept, or rejected and why.",
        )
        .next(split)
        .next(over("Pack", functions.pack, "shards", "shard", comment="Photos into tar shards, by split."))
        .next(seal)
    )
    return (
        sfn.Choice.jsonata(
            scope,
            "Dataset ready?",
            comment="A dataset's id is a hash of what determines it, so one that is there is used again.",
        )
        .when(sfn.Condition.jsonata(expression("$run.dataset.ready")), reuse)
        .otherwise(build)
        .afterwards()
    )


def _each(
    scope: Construct,
    name: str,
    function: lambda_.IFunction,
    data_bucket: s3.IBucket,
    *,
    items: str,
    item: str,
    concurrency: int,
    failure: Failure,
    comment: str,
) -> sfn.Chain:
    """Run `function` for every item of a JSON array in the data bucket.

    A Distributed Map that fails does not say why. So each child hands its error up as a result, and the machine fails
    after the map with a cause that names the item and quotes its error.
    """
    payload = sfn.TaskInput.from_text(expression("$states.input"))
    work = invoke(scope, f"{name} {item}", function, payload, outputs={})
    # The functions overwrite what they wrote before, so every error may be tried again.
    work.add_retry(errors=["States.ALL"], interval=Duration.seconds(2), max_attempts=2, backoff_rate=3)
    catch_everything(
        work,
        sfn.Pass.jsonata(scope, f"{name} {item} failed", comment="Hands its error up as a result."),
        outputs={
            "failed": expression(f"$states.input.{item}.{item}"),
            "error": expression("$states.errorOutput.Error"),
            "cause": expression(_SHORT_SENTENCE),
        },
    )
    reader = _ItemReader(bucket=data_bucket, key=expression(f"$run.dataset.{items}"))
    accept(scope, OBJECT_KEYS, *reader.provide_policy_statements())
    each = sfn.DistributedMap.jsonata(
        scope,
        name,
        comment=comment,
        label=name,
        item_reader=reader,
        item_selector={
            "dataset": expression("$run.dataset"),
            item: expression("$states.context.Map.Item.Value"),
        },
        max_concurrency=concurrency,
        assign={
            "failed": expression(f"[($states.result[$exists(failed)])[[0..{_TOLD - 1}]]]"),
            "failures": expression("$count($states.result[$exists(failed)])"),
        },
        outputs={},
    )
    each.item_processor(work)
    complete = (
        sfn.Choice.jsonata(
            scope, f"{name} complete?", comment=f"A failed {item} fails the execution, with its own sentence."
        )
        .when(
            sfn.Condition.jsonata(expression("$count($failed) > 0")),
            failure.start,
            assign=failure.of(
                name,
                "$failed[0].error",
                f"$string($failures) & ' of the {items} failed: ' & $join($failed.(failed & ': ' & cause), '; ')"
                f" & ($failures > {_TOLD} ? '; and ' & $string($failures - {_TOLD}) & ' more' : '')",
            ),
        )
        .otherwise(sfn.Pass.jsonata(scope, f"{name} done"))
    )
    return sfn.Chain.start(failure.catch(each)).next(complete.afterwards())


class _ItemReader(sfn.S3JsonItemReader):
    """CDK's reader, which would ask for the whole bucket, limited to where the lists of items lie."""

    def provide_policy_statements(self) -> list[iam.PolicyStatement]:
        resources = [self.bucket.arn_for_objects("datasets/*")]
        return [iam.PolicyStatement(actions=["s3:GetObject"], resources=resources)]
