"""Small pieces of JSONata that several phases use."""

from collections.abc import Mapping


def expression(text: str) -> str:
    """A JSONata expression as the States Language marks it."""
    return "{% " + " ".join(text.split()) + " %}"


def object_of(values: Mapping[str, str]) -> str:
    """JSONata for an object whose fields are expressions."""
    return "{" + ", ".join(f"'{name}': {value}" for name, value in values.items()) + "}"


SPOT = "$run.input.training.spot"

STOPPED = """
    'Stopped' in [{job}.TrainingJobStatus, {job}.ProcessingJobStatus] ? (
        $limits := {job}.StoppingCondition;
        'the job was stopped ' & (
            {job}.SecondaryStatus = 'MaxRuntimeExceeded' ?
                'after the ' & $string($limits.MaxRuntimeInSeconds) & ' seconds of training.maxRunSeconds'
            : {job}.SecondaryStatus = 'MaxWaitTimeExceeded' ?
                'after the ' & $string($limits.MaxWaitTimeInSeconds) & ' seconds of training.maxWaitSeconds'
            : $exists({job}.ProcessingJobStatus) ?
                'by somebody, or after the ' & $string($limits.MaxRuntimeInSeconds) & ' seconds that it may run'
            : 'by somebody'
        )
    )
"""
"""The beginning of a JSONata condition: the sentence for a job that was stopped, from its description `{job}`.

A job that reaches a time limit has not failed, so it has no FailureReason.
"""

SENTENCE = f"""(
    $cause := $states.errorOutput.Cause;
    $detail := $substring($cause, 0, 1) = '{{' and $substring($cause, -1) = '}}' ? $parse($cause) : {{}};
    {STOPPED.format(job="$detail")}
    : $exists($detail.errorMessage) ? $detail.errorMessage
    : $exists($detail.ExitMessage) ? $detail.ExitMessage
    : $exists($detail.FailureReason) ? $detail.FailureReason
    : $exists($cause) ? $cause
    : 'no cause was given'
)"""
"""The sentence in a caught error's cause: Lambda and SageMaker wrap theirs into a JSON document.

Of a processing job that is ExitMessage; its FailureReason only says that the container's exit code was not 0.
"""

ERROR = """(
    $error := $states.errorOutput.Error;
    $stopped := $contains($states.errorOutput.Cause, /"(Training|Processing)JobStatus": ?"Stopped"/);
    $error = 'States.TaskFailed' and $stopped ? 'NoResult' : $error
)"""
"""A caught error's name. A job that was stopped has one name, whether `.sync` fails of it or not (ended.py)."""

NULL = expression("null")
"""A JSON null that is there; CDK leaves a field out that is None."""

UNIQUE_EXECUTION = expression("$states.context.Execution.Id & ' ' & $states.context.Execution.StartTime")
"""Unlike an execution's name alone, unique in the account for ever, as the names of jobs have to be."""
