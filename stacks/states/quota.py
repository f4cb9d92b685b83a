"""A job that SageMaker refuses for quota: wait where the quota is in use, fail at once where it is too small.

Both have the same error name and only the cause tells them apart. A Retry cannot read it, so states wait. How often
they did travels in the job state's input, as `waits`.
"""

from aws_cdk import Duration
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.states.failure import Failure
from stacks.states.jsonata import SENTENCE, expression
from stacks.states.retries import JOB_RETRIES

QUOTA_EXCEEDED = "SageMaker.ResourceLimitExceededException"
_SECONDS = 120
_WAITS = 60
"""Together longer than another job takes."""
_TAKEN = "($exists($states.input.waits) ? $states.input.waits : 0)"

_DRIVE = (JOB_RETRIES + 1) * (_WAITS + 1)
_REDRIVES = "$sum([0, $states.context.Execution.RedriveCount])"

ATTEMPT = f"$string({_DRIVE} * {_REDRIVES} + {JOB_RETRIES + 1} * {_TAKEN} + $states.context.State.RetryCount)"
"""JSONata for the number of a job state's attempt: RetryCount alone starts again at 0 after every wait and redrive."""

# SageMaker: "The account-level service limit 'NAME' is 0 Instances, with current utilization of 0 Instances and a
# request delta of 1 Instances. ..." What does not read so counts as in use.
# Two jobs run side by side. The notification is JSON, so the command is free of what that would escape.
_REFUSAL = rf"""(
    $cause := $states.errorOutput.Cause;
    $name := $match($cause, /'([^'`]+)' is /, 1).groups[0];
    $numbers := $match($cause, / is (\d+) .*request delta of (\d+) /, 1).groups.$number($);
    $value := $numbers[0];
    $needed := $numbers[1];
    $tooSmall := $exists($value) and $value < $needed;
    {{
        'input': $states.input,
        'waits': {_TAKEN},
        'error': $tooSmall ? 'QuotaTooSmall' : 'QuotaInUse',
        'cause': $exists($name) and $exists($value) ?
            "the quota '" & $name & "' is " & $string($value)
            & ($tooSmall ? ' and the job needs ' & $string($needed) : ' and was in use for {_WAITS * _SECONDS} seconds')
            & '. Ask for more: aws service-quotas request-service-quota-increase --service-code sagemaker'
            & ' --desired-value ' & $string($max([2, $value + $needed]))
            & ' --quota-code $(aws service-quotas list-service-quotas --service-code sagemaker --output text'
            & " --query 'Quotas[?QuotaName==`" & $name & "`].QuotaCode')"
        : {SENTENCE}
    }}
)"""


def wait_for_quota(scope: Construct, job: sfn.CustomState, failure: Failure | None = None) -> sfn.CustomState:
    """Catch the refusal of `job`; to be called before its other errors are caught.

    Parameters
    ----------
    failure
        Where the machine fails; none inside of a map, which fails with the same error and cause.
    """
    # A variable of its own for each state: a map's may not have the name of one outside.
    variable = "refusalOf" + job.id.title().replace(" ", "")
    wait = sfn.Wait.jsonata(
        scope,
        f"{job.id} waits for quota",
        time=sfn.WaitTime.duration(Duration.seconds(_SECONDS)),
        outputs=expression(f"$merge([${variable}.input, {{'waits': ${variable}.waits + 1}}])"),
    )
    error, cause = f"${variable}.error", f"${variable}.cause"
    in_use = sfn.Choice.jsonata(
        scope, f"{job.id}: quota in use?", comment="One in use is waited for; one too small fails at once."
    )
    give_up = sfn.Condition.jsonata(expression(f"{error} = 'QuotaTooSmall' or ${variable}.waits >= {_WAITS}"))
    if failure:
        in_use.when(give_up, failure.start, assign=failure.of(job.id, error, cause))
    else:
        failed = sfn.Fail.jsonata(scope, f"{job.id} without quota", error=expression(error), cause=expression(cause))
        in_use.when(give_up, failed)
    job.add_catch(in_use.otherwise(wait), errors=[QUOTA_EXCEEDED], assign={variable: expression(_REFUSAL)})
    wait.next(job)
    return job
