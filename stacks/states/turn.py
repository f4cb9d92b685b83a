"""Turns: one execution at a time changes the endpoint, from looking who is served to the end of the smoke test.

A turn is an item in a table that names the execution whose turn it is. A conditional write takes it, from nobody or
from an execution that has ended without giving it back; a conditional delete gives it back. There is no queue: who
waits tries again, a bounded number of times.
"""

from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.states.aws_call import call_aws
from stacks.states.failure import Failure, catch_everything
from stacks.states.jsonata import expression
from stacks.states.target import Target

WAITS = 240
POLLS = 2
"""A wait is this many polls of the endpoint's stack: four hours of waits, by the default."""

_NOBODY = "nobody"
# The SDK's integration is known to spell the service so, the other one in the second way: both are caught.
_NOT_MINE = [f"{service}.ConditionalCheckFailedException" for service in ("DynamoDb", "DynamoDB")]
_ME = {"S": expression("$states.context.Execution.Id")}


class Turn:
    """The states around a turn.

    Attributes
    ----------
    start
        Where an execution comes to take its turn.
    taken
        The state that has taken it; the next one is the caller's.
    failure
        The way out of every failure from there on, which gives the turn back.
    """

    def __init__(self, scope: Construct, target: Target, failure: Failure) -> None:
        self._scope = scope
        self._target = target
        self.start = sfn.Pass.jsonata(
            scope,
            "Ask for turn",
            comment="One execution at a time changes the endpoint.",
            assign={"ended": _NOBODY, "waited": 0},
        )
        self.failure = failure.after(
            self._give_back(
                "Give turn back after failure", comment="So that nobody has to wait until this execution has ended."
            )
        )
        self.taken = self._call(
            "Take turn",
            "dynamodb:updateItem",
            {
                "UpdateExpression": "SET takenBy = :me",
                "ConditionExpression": "attribute_not_exists(takenBy) OR takenBy IN (:me, :ended)",
                "ExpressionAttributeValues": {":me": _ME, ":ended": {"S": expression("$ended")}},
            },
            answers=_NOT_MINE,
            comment="A conditional write: taken from nobody, or from an execution that has ended.",
        )
        self.taken.add_catch(self._wait(), errors=_NOT_MINE)
        self.failure.catch(self.taken)
        self.start.next(self.taken)

    def ends(self, next: sfn.IChainable) -> sfn.Chain:
        """Give the turn back and go on; whoever waits would take it from an ended execution as well."""
        state = self._give_back("Give turn back", comment="A conditional delete.")
        catch_everything(state, next)
        return sfn.Chain.start(state).next(next)

    def _give_back(self, name: str, comment: str) -> tasks.CallAwsService:
        mine = {"ConditionExpression": "takenBy = :me", "ExpressionAttributeValues": {":me": _ME}}
        return self._call(name, "dynamodb:deleteItem", mine, answers=_NOT_MINE, comment=comment)

    def _call(self, name: str, action: str, parameters: Mapping[str, object], **options: Any) -> tasks.CallAwsService:
        item = {"TableName": self._target.turns_table, "Key": {"id": {"S": "turn"}}}
        return call_aws(self._scope, name, action, [self._target.turns_table_arn], item | dict(parameters), **options)

    def _wait(self) -> sfn.IChainable:
        """Leads back to taking the turn, or fails after the last wait."""
        seconds = POLLS * self._target.poll_seconds
        whose = self._call(
            "Whose turn",
            "dynamodb:getItem",
            {"ConsistentRead": True},
            comment="Who has it now.",
            assign={"turnOf": expression("$states.result.Item.takenBy.S & ''")},
        )
        look = call_aws(
            self._scope,
            "Look at whose turn it is",
            "sfn:describeExecution",
            [self._target.execution_arns],
            {"ExecutionArn": expression("$turnOf")},
            comment="Whether that execution still runs. One that has just started may not be found at first.",
            assign={"ended": expression(f"$states.result.Status = 'RUNNING' ? '{_NOBODY}' : $turnOf")},
            wildcard="Executions have names of their own.",
        )
        look.add_catch(
            self.taken, errors=["Sfn.ExecutionDoesNotExistException"], assign={"ended": expression("$turnOf")}
        )
        wait = sfn.Wait.jsonata(
            self._scope, "Wait for turn", time=sfn.WaitTime.duration(Duration.seconds(seconds))
        ).next(self.taken)
        given_back = sfn.Choice.jsonata(self._scope, "Turn given back?", comment="It may be free again since.")
        given_back.when(sfn.Condition.jsonata(expression("$turnOf = ''")), self.taken).otherwise(
            self.failure.catch(look)
        )
        left = sfn.Choice.jsonata(
            self._scope,
            "Turn left behind?",
            comment="An execution that has ended loses its turn; else waits, a bounded number of times.",
        )
        left.when(sfn.Condition.jsonata(expression("$ended = $turnOf")), self.taken)
        left.when(
            sfn.Condition.jsonata(expression(f"$waited >= {WAITS}")),
            self.failure.start,
            assign=self.failure.of(
                self.taken.id,
                "'NoTurn'",
                f"'others changed the endpoint for {WAITS * seconds} seconds, the last one was ' & $turnOf",
            ),
        )
        left.when(sfn.Condition.jsonata(expression("true")), wait, assign={"waited": expression("$waited + 1")})
        self.failure.catch(whose).next(given_back)
        look.next(left)
        return whose
