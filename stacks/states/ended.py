"""Whether a job that has ended has a result: one that reached its time limit is stopped, and has not failed."""

from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.states.failure import Failure
from stacks.states.jsonata import STOPPED, expression

_METRIC = "validation:accuracy"


def problem(metric: bool = False) -> str:
    """JSONata, where a job was described: the sentence that tells why there is no result, or null.

    Parameters
    ----------
    metric
        Whether the result is the training's validation accuracy.
    """
    found = "$states.result"
    missing = f"""$not($exists({found}.FinalMetricDataList[MetricName = '{_METRIC}'])) ?
        'the job ' & {found}.TrainingJobName & ' reported no {_METRIC}; its log tells what it did'
    : """
    return f"({STOPPED.format(job=found)} : {missing if metric else ''} null)"


def fail_on_problem(scope: Construct, job: str, failure: Failure | None = None) -> sfn.Choice:
    """Fail where the state before, which described the job of the state `job`, has a `problem` in its output.

    Parameters
    ----------
    failure
        Where the machine fails; none inside of a map, which fails with the same error and cause.
    """
    done = sfn.Choice.jsonata(
        scope, f"{job} done?", comment="A job that was stopped has not failed, and has no result."
    )
    found = sfn.Condition.jsonata(expression("$states.input.problem != null"))
    error, cause = "NoResult", "$states.input.problem"
    if failure:
        return done.when(found, failure.start, assign=failure.of(job, f"'{error}'", cause))
    return done.when(found, sfn.Fail.jsonata(scope, f"{job} not done", error=error, cause=expression(cause)))
