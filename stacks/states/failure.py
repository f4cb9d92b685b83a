"""One way out for every failure: say which state failed and why, notify, fail. The running endpoint is left alone."""

from collections.abc import Sequence
from typing import TypeVar

from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.states.jsonata import SENTENCE, expression

Caught = TypeVar("Caught", bound=sfn.TaskStateBase | sfn.CustomState | sfn.Map | sfn.DistributedMap)


class Failure:
    """The states that a failed execution ends with."""

    def __init__(self, scope: Construct, topic: sns.ITopic) -> None:
        failed = sfn.Fail.jsonata(
            scope,
            "Failed",
            error=expression("$failure.error"),
            cause=expression("$failure.state & ': ' & $failure.cause"),
        )
        self.start = tasks.SnsPublish.jsonata(
            scope,
            "Notify failure",
            topic=topic,
            subject="Stocktake: an execution failed",
            message=sfn.TaskInput.from_object(
                {
                    "execution": expression("$states.context.Execution.Id"),
                    "failure": expression("$failure"),
                }
            ),
        )
        # A topic that cannot be reached must not hide what went wrong.
        self.start.add_catch(failed)
        self.start.next(failed)

    def catch(self, state: Caught, errors: Sequence[str] = ("States.ALL",)) -> Caught:
        """Send errors of `state` here, with the state's name and the sentence in the error's cause."""
        state.add_catch(
            self.start, errors=list(errors), assign=self.of(state.id, "$states.errorOutput.Error", SENTENCE)
        )
        return state

    @staticmethod
    def of(state: str, error: str, cause: str) -> dict[str, object]:
        """What to assign on a way to `start` that is no Catch: the failing state, error name and cause."""
        return {"failure": {"state": state, "error": expression(error), "cause": expression(cause)}}
