"""Report: add up the cost, put together the execution's output and tell who wants to know."""

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.states.failure import catch_everything
from stacks.states.invoke import invoke
from stacks.states.jsonata import NULL, SENTENCE, expression, object_of

_PRICED = ("run", "extracted", "dataset", "comparison", "tuning", "training", "evaluationSeconds")
"""Variables that the cost follows from."""

_SECONDS = {
    "trainingSeconds": "$sum([0, $spent.trainingSeconds])",
    "billableSeconds": "$sum([0, $spent.billableSeconds])",
    "featuresSeconds": "$featuresSeconds",
    "evaluationSeconds": "$evaluationSeconds",
}


def report(scope: Construct, add_up_cost: lambda_.IFunction, topic: sns.ITopic) -> sfn.Chain:
    """The contract of the output, from the run's variables. Assigns `cost`."""
    cost = invoke(
        scope,
        "Add up cost",
        add_up_cost,
        sfn.TaskInput.from_object({name: expression(f"${name}") for name in _PRICED}),
        assign={"cost": expression("$states.result.Payload")},
        outputs={},
    )
    summarise = sfn.Pass.jsonata(
        scope,
        "Summarise",
        outputs={
            "dataset": expression("$dataset"),
            "comparison": expression("$comparison"),
            "tuning": expression("$tuning"),
            "training": expression("$training"),
            "evaluation": {
                "accuracy": expression("$evaluation.accuracy"),
                "interval": expression("$evaluation.interval"),
                "withinOne": expression("$evaluation.withinOne"),
                "mae": expression("$evaluation.mae"),
                "rmse": expression("$evaluation.rmse"),
                "recall": expression("$evaluation.recall"),
                "images": expression("$evaluation.images"),
                "reportUri": expression("$run.report.uri & '/report.html'"),
                "majorityAccuracy": expression("$evaluation.majorityAccuracy"),
                # A package that is promoted may have been evaluated before these were measured.
                "champion": expression("$exists($evaluation.champion) ? $evaluation.champion : null"),
                "checks": expression("$exists($evaluation.release) ? $evaluation.release.checks : null"),
            },
            "decision": expression("$decision"),
            "reason": expression("$reason"),
            "model": {"packageArn": expression("$package")},
            "endpoint": expression("$endpoint"),
            "cost": expression(f"$merge([{object_of(_SECONDS)}, $cost])"),
            "comment": _of_input("Comment"),
            "startedBy": _of_input("AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"),
        },
    )
    notify = tasks.SnsPublish.jsonata(
        scope,
        "Report",
        topic=topic,
        subject=expression("'Stocktake: model ' & $decision"),
        message=sfn.TaskInput.from_object(
            {
                "execution": expression("$states.context.Execution.Id"),
                "output": expression("$states.input"),
            }
        ),
        outputs=expression("$states.input"),
    )
    done = sfn.Succeed.jsonata(scope, "Done")
    # The model is already live or refused: a topic that cannot be reached must not turn that into a failure.
    catch_everything(notify, done, outputs=expression("$states.input"))
    # Nor must a sum that cannot be told.
    catch_everything(cost, summarise, assign={"cost": {"usd": NULL, "reason": expression(SENTENCE)}})
    return sfn.Chain.start(cost).next(summarise).next(notify).next(done)


def _of_input(field: str) -> str:
    """A field of the input that the contract leaves alone, as a text that the output has room for."""
    value = f"$states.context.Execution.Input.{field}"
    return expression(f"$exists({value}) ? $substring($string({value}), 0, 1024) : null")
