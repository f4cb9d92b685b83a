"""Small pieces of JSONata that several phases use."""

from collections.abc import Mapping


def expression(text: str) -> str:
    """A JSONata expression as the States Language marks it."""
    return "{% " + " ".join(text.split()) + " %}"


def object_of(values: Mapping[str, str]) -> str:
    """JSONata for an object whose fields are expressions."""
    return "{" + ", ".join(f"'{name}': {value}" for name, value in values.items()) + "}"


SPOT = "$run.input.training.spot"

SENTENCE = """(
    $cause := $states.errorOutput.Cause;
    $detail := $substring($cause, 0, 1) = '{' ? $parse($cause) : {};
    $exists($detail.errorMessage) ? $detail.errorMessage
    : $exists($detail.ExitMessage) ? $detail.ExitMessage
    : $exists($detail.FailureReason) ? $detail.FailureReason
    : $exists($cause) ? $cause
    : 'no cause was given'
)"""
"""The sentence in a caught error's cause: Lambda and SageMaker wrap theirs into a JSON document.

Of a processing job that is ExitMessage; its FailureReason only says that the container's exit code was not 0.
"""

NULL = expression("null")
"""A JSON null that is there; CDK leaves a field out that is None."""
