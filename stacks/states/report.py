"""Report: add up the cost, put together the execution's output and tell who wants to know."""

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.states.cost import UNKNOWN_COST, add_up_cost
from stacks.states.failure import catch_everything
from stacks.states.jsonata import NULL, expression
from stacks.states.notification import EXECUTION, cost_line, counted_right, notify, of_deployment, percent, report_lines
from stacks.states.write_report import COST, write_report

_PAGE = "($type($states.input.reportUri) = 'string' ? $states.input.reportUri : $states.input.evaluation.reportUri)"
"""JSONata: the execution's page, or the evaluation's where that could not be written."""


def report(
    scope: Construct, add_up: lambda_.IFunction, write: lambda_.IFunction, topic: sns.ITopic, deployment: str
) -> sfn.Chain:
    """The contract of the output, from the run's variables. Assigns `cost`."""
    cost = add_up_cost(
        scope,
        "Add up cost",
        add_up,
        comment="Each job's price, and what on-demand would have cost; its failure changes nothing.",
    )
    summarise = sfn.Pass.jsonata(
        scope,
        "Summarise",
        comment="Puts the execution's output together.",
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
            "cost": COST,
            "comment": _of_input("Comment"),
            "startedBy": _of_input("AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"),
        },
    )
    page = write_report(
        scope,
        "Write report",
        write,
        comment="The page of the whole execution; its failure changes nothing.",
        output=expression("$states.input"),
        failure=NULL,
        outputs=expression("$merge([$states.input, {'reportUri': $states.result.Payload.uri}])"),
    )
    told = notify(
        scope,
        "Report",
        topic,
        subject=f"'Stocktake: model ' & $decision & ', ' & {percent('$states.input.evaluation.accuracy')} & ' right'",
        lines=[
            f"'Model ' & $decision & ': it counts ' & {counted_right('$states.input.evaluation')} & ' right.'",
            "'Why: ' & $reason",
            cost_line("Cost"),
            *_next_command(deployment),
            *report_lines(_PAGE),
            *EXECUTION,
        ],
        facts={"execution": "$states.context.Execution.Id", "output": "$states.input"},
        outputs=expression("$states.input"),
    )
    done = sfn.Succeed.jsonata(scope, "Done")
    # The model is already live or refused: a topic that cannot be reached must not turn that into a failure.
    catch_everything(told, done, outputs=expression("$states.input"))
    # Nor must a sum that cannot be told.
    catch_everything(cost, summarise, assign=UNKNOWN_COST)
    # Nor must a page that cannot be written.
    catch_everything(page, told, outputs=expression("$merge([$states.input, {'reportUri': null}])"))
    return sfn.Chain.start(cost).next(summarise).next(page).next(told).next(done)


def _next_command(deployment: str) -> tuple[str, ...]:
    """Lines of the text: what can be done about the decision, if something can."""
    named = of_deployment(deployment)
    return (
        f"""$decision = 'deployed' ? '\\nTry it: make try{named}\\nGo back to the model before: make rollback{named}'
            : $decision = 'superseded' ? '\\nServe it all the same: make promote PACKAGE=' & $package & '{named}'""",
    )


def _of_input(field: str) -> str:
    """A field of the input that the contract leaves alone, as a text that the output has room for."""
    value = f"$states.context.Execution.Input.{field}"
    return expression(f"$exists({value}) ? $substring($string({value}), 0, 1024) : null")
