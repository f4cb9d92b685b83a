"""One way out for every failure: say which state failed and why, add up what it cost, notify, fail.

The running endpoint is left alone.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Self, TypeVar

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.states.cost import UNKNOWN_COST, add_up_cost
from stacks.states.jsonata import ERROR, NULL, SENTENCE, expression
from stacks.states.notification import EXECUTION, cost_line, notify, report_lines
from stacks.states.write_report import COST, write_report

Caught = TypeVar("Caught", bound=sfn.TaskStateBase | sfn.CustomState | sfn.Map | sfn.DistributedMap)

EVERYTHING = ("States.DataLimitExceeded", "States.ALL")
"""All errors that can be caught: States.ALL has to stand alone, and does not catch the other."""

CAUSE = 15_000
"""Characters of a cause that are kept; a failed execution's has 32,768 halves of characters at most."""

_PAGE = "$states.input.reportUri"
_TOLD, _READ = 10_000, 2_000
"""Characters of a cause that machines are told, and of one in a mail."""

SO_FAR = {
    **{name: expression(f"${name}") for name in ("dataset", "comparison", "tuning", "training", "champion")},
    "model": {"packageArn": expression("$package")},
    "cost": COST,
}
"""Of the output's parts those that are known before the end."""


def catch_everything(state: Caught, handler: sfn.IChainable, **options: Any) -> Caught:
    """Send every error of `state` that no other Catch has taken to `handler`."""
    for error in EVERYTHING:
        state.add_catch(handler, errors=[error], **options)
    return state


class Failure:
    """The way out: the first of the states that a failed execution ends with."""

    def __init__(self, start: sfn.State) -> None:
        self.start = start

    def after(self, first: tasks.CallAwsService) -> Self:
        """The same way out, with another state before it, whose own failure changes nothing."""
        catch_everything(first, self.start)
        first.next(self.start)
        other = copy.copy(self)
        other.start = first
        return other

    def catch(
        self, state: Caught, errors: Sequence[str] | None = None, known: Mapping[str, object] | None = None
    ) -> Caught:
        """Send errors of `state` here, all by default, with the state's name and the sentence in the error's cause.

        `known` are variables to assign as well.
        """
        assign = self.of(state.id, ERROR, SENTENCE) | dict(known or {})
        if errors is None:
            return catch_everything(state, self.start, assign=assign)
        state.add_catch(self.start, errors=list(errors), assign=assign)
        return state

    @staticmethod
    def of(state: str, error: str, cause: str) -> dict[str, object]:
        """What to assign on a way to `start` that is no Catch: the failing state, error name and cause."""
        kept = expression(f"$substring({cause}, 0, {CAUSE})")
        return {"failure": {"state": state, "error": expression(error), "cause": kept}}


def notify_and_fail(
    scope: Construct, topic: sns.ITopic, what: str, lines: Sequence[str] = (), facts: Mapping[str, str] | None = None
) -> tasks.SnsPublish:
    """The end of every way out; its first state.

    Parameters
    ----------
    what
        That has failed, such as "an execution".
    lines, facts
        JSONata: what the notification tells besides the failure.
    """
    failed = sfn.Fail.jsonata(
        scope,
        "Failed",
        error=expression("$failure.error"),
        cause=expression("$failure.state & ': ' & $failure.cause"),
    )
    told = notify(
        scope,
        "Notify failure",
        topic,
        subject=f"'Stocktake: {what} failed, in ' & $failure.state",
        lines=[
            "$failure.state & ' failed: ' & $failure.error",
            f"$substring($failure.cause, 0, {_READ}) & ($length($failure.cause) > {_READ} ? ' [...]' : '')",
            *lines,
            *EXECUTION,
        ],
        facts={
            "execution": "$states.context.Execution.Id",
            "failure": f"$merge([$failure, {{'cause': $substring($failure.cause, 0, {_TOLD})}}])",
            **(facts or {}),
        },
    )
    # A topic that cannot be reached must not hide what went wrong.
    catch_everything(told, failed)
    told.next(failed)
    return told


def report_failure(scope: Construct, topic: sns.ITopic, add_up: lambda_.IFunction, write: lambda_.IFunction) -> Failure:
    """The way out of an execution: its cost so far, its page, a notification."""
    told = notify_and_fail(
        scope,
        topic,
        "an execution",
        [cost_line("Cost so far"), *(f"$type({_PAGE}) = 'string' ? {line}" for line in report_lines(_PAGE))],
        {"cost": "$cost", "reportUri": _PAGE},
    )
    page = write_report(
        scope,
        "Write report of failure",
        write,
        comment="The page tells what was reached, what failed, and what to do.",
        output=SO_FAR,
        failure=expression("$failure"),
        outputs={"reportUri": expression("$states.result.Payload.uri")},
    )
    # Nor must a page that cannot be written.
    catch_everything(page, told, outputs={"reportUri": NULL})
    page.next(told)
    cost = add_up_cost(
        scope,
        "Add up cost of failure",
        add_up,
        comment="What the jobs cost before the failure; its own failure hides nothing.",
    )
    # Nor must a sum that cannot be told.
    catch_everything(cost, page, assign=UNKNOWN_COST)
    cost.next(page)
    return Failure(cost)
