"""Report: put together the execution's output and tell who wants to know."""

from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.states.failure import catch_everything
from stacks.states.jsonata import expression


def report(scope: Construct, topic: sns.ITopic) -> sfn.Chain:
    """The contract of the output, from the run's variables."""
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
            "cost": {
                "trainingSeconds": expression("$sum([0, $spent.trainingSeconds])"),
                "billableSeconds": expression("$sum([0, $spent.billableSeconds])"),
                "featuresSeconds": expression("$featuresSeconds"),
                "evaluationSeconds": expression("$evaluationSeconds"),
            },
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
    return sfn.Chain.start(summarise).next(notify).next(done)


def _of_input(field: str) -> str:
    """A field of the input that the contract leaves alone, as a text that the output has room for."""
    value = f"$states.context.Execution.Input.{field}"
    return expression(f"$exists({value}) ? $substring($string({value}), 0, 1024) : null")
