"""Release: register a model that is good enough, have it approved, wait for a turn, put it behind the endpoint, try it.

A package that the input names takes the same way from the turn on.
"""

from typing import NamedTuple

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.states.approval import approval
from stacks.states.aws_call import call_aws
from stacks.states.deploy import SERVED, Deploy
from stacks.states.failure import Failure
from stacks.states.jsonata import NULL, expression
from stacks.states.packages import PROMOTE, ROLL_BACK, TAKE_BACK, find_package
from stacks.states.registration import register
from stacks.states.target import STACK_ID, Target
from stacks.states.turn import Turn

_SUPERSEDED = expression(
    "'meanwhile ' & $previous & ' came behind the endpoint: ' & $evaluation.release.reason & '; ' & $package "
    "& ' stays approved'"
)


class Release(NamedTuple):
    """Where executions come to it: with a model that they have evaluated, or with a package that the input names."""

    new: sfn.IChainable
    package: sfn.IChainable


def release(
    scope: Construct,
    target: Target,
    data_bucket: s3.IBucket,
    topic: sns.ITopic,
    smoke_test: lambda_.IFunction,
    approve: lambda_.IFunction,
    turn: Turn,
    report: sfn.IChainable,
    failure: Failure,
    compare: sfn.IChainable,
) -> Release:
    """Ends in `report` with `decision`, `reason`, `package` and `endpoint` assigned.

    Parameters
    ----------
    compare
        Where an execution goes in its turn when another champion serves than the one it was compared with: to states
        that compare again and lead to `new`.
    """
    done = turn.ends(report)
    deploy = Deploy(scope, target, smoke_test, turn.failure)
    deploy.tested.next(done)
    find = find_package(scope, target, data_bucket, deploy, turn.failure)
    deploy.withdrawn.next(
        sfn.Pass.jsonata(
            scope, "Take package back", comment="The last approved package before it takes its place.", assign=TAKE_BACK
        )
    ).next(find)
    superseded = sfn.Pass.jsonata(
        scope,
        "Supersede",
        comment="Meanwhile a better model came behind the endpoint; this one stays approved.",
        assign=_outcome(target, "superseded", _SUPERSEDED),
    ).next(done)

    given = "$run.input.release.package"
    whose = sfn.Choice.jsonata(
        scope, "What to deploy?", comment="Another champion than the one compared with: compare again."
    )
    whose.when(sfn.Condition.jsonata(expression(f"{given} = 'previous'")), find, assign=ROLL_BACK)
    whose.when(sfn.Condition.jsonata(expression(f"{given} != null")), find, assign=PROMOTE)
    whose.when(
        sfn.Condition.jsonata(expression("$previous != '' and $previous != $champion.packageArn & ''")),
        compare,
    ).otherwise(deploy.start)
    turn.taken.next(
        _describe_stack(
            scope, target, "Read endpoint stack", turn.failure, comment="Who serves now, in our turn.", previous=SERVED
        )
    ).next(whose)

    enough = sfn.Choice.jsonata(
        scope,
        "Good enough?",
        comment="Does what the evaluation has decided; a model that has a package was compared in its turn.",
    )
    accepted = "$evaluation.release.accepted"
    # One with a package comes here in its turn, compared for the second time.
    enough.when(sfn.Condition.jsonata(expression(f"$package != null and {accepted}")), deploy.start)
    enough.when(sfn.Condition.jsonata(expression("$package != null")), superseded)
    enough.when(
        sfn.Condition.jsonata(expression(accepted)),
        register(scope, target, failure).next(
            approval(
                scope,
                target,
                topic,
                approve,
                approved=turn.start,
                rejected=_rejected(scope, target, report),
                failure=failure,
            )
        ),
    ).otherwise(
        sfn.Pass.jsonata(
            scope,
            "Reject model",
            comment="Not good enough: it is not registered, and the endpoint stays as it is.",
            assign=_outcome(target, "rejected", expression("$evaluation.release.reason")),
        ).next(report)
    )
    return Release(new=enough, package=turn.start)


def _describe_stack(
    scope: Construct, target: Target, name: str, failure: Failure, comment: str, **assigned: str
) -> tasks.CallAwsService:
    """Look at the endpoint's stack; `assigned` are variables and their JSONata."""
    state = call_aws(
        scope,
        name,
        "cloudformation:describeStacks",
        [target.stack_arn],
        {"StackName": target.stack_name},
        assign={variable: expression(text) for variable, text in assigned.items()} | {"stackReason": NULL},
        wildcard=STACK_ID,
        comment=comment,
    )
    return failure.catch(state)


def _rejected(scope: Construct, target: Target, report: sfn.IChainable) -> sfn.Chain:
    """`reason` is assigned already."""
    outcome = _outcome(target, "rejected", expression("$reason"))
    return sfn.Pass.jsonata(
        scope, "Not approved", comment="The package stays in the registry, rejected.", assign=outcome
    ).next(report)


def _outcome(target: Target, decision: str, reason: str) -> dict[str, object]:
    return {
        "decision": decision,
        "reason": reason,
        "endpoint": {"name": target.endpoint_name, "status": "unchanged"},
    }
