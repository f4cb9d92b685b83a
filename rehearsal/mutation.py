"""Executions of a kept rehearsal, each without one statement of one role: what that does to them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import ClientError

from rehearsal import permissions
from rehearsal.permissions import Mutation

_SECONDS_BETWEEN_LOOKS = 0.5


@dataclass(frozen=True)
class Outcome:
    """How an execution ended without a statement.

    Attributes
    ----------
    said
        The error and its cause; empty when nothing failed.
    named
        Whether that names the first action that the role then lacks.
    """

    mutation: Mutation
    status: str
    said: str
    named: bool


def executions(
    aws_url: str, execution_input: Mapping[str, Any], roles: str = "", statements: str = ""
) -> Iterator[Outcome]:
    """Take away each statement that the rehearsal would miss in turn, execute, and give it back: how each ended.

    Every execution has a seed of its own, so that it builds its dataset anew.

    Parameters
    ----------
    roles, statements
        Only those whose name contains this.
    """
    mutations = list(permissions.mutations(permissions.fetch(aws_url)))
    aws = _Aws(aws_url)
    for number, mutation in enumerate(mutations):
        role = mutation.role.rpartition("/")[2]
        if mutation.denied and roles in role and statements in mutation.statement:
            with aws.without(role, mutation.policy, mutation.content):
                status, said = aws.execute(dict(execution_input) | {"seed": 1000 + number})
            yield Outcome(mutation, status, said, status != "SUCCEEDED" and mutation.denied[0].action in said)


class _Aws:
    """A kept rehearsal's AWS, as its user."""

    def __init__(self, url: str) -> None:
        session = boto3.Session("rehearsal", "rehearsal", region_name="us-east-1")
        self._iam: Any = session.client("iam", endpoint_url=url)
        self._states: Any = session.client("stepfunctions", endpoint_url=url)
        self._cloudformation: Any = session.client("cloudformation", endpoint_url=url)
        outputs = (stack.get("Outputs", ()) for stack in self._cloudformation.describe_stacks()["Stacks"])
        [self._machine] = (
            output["OutputValue"] for its in outputs for output in its if output["OutputKey"] == "StateMachineArn"
        )

    @contextmanager
    def without(self, role: str, policy: str, statement: Mapping[str, Any]) -> Iterator[None]:
        """A role that lacks a statement of one of its policies for a while."""
        document = self._iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
        rest = [content for content in document["Statement"] if content != statement]
        if rest:
            self._put(role, policy, document | {"Statement": rest})
        else:
            self._iam.delete_role_policy(RoleName=role, PolicyName=policy)
        try:
            yield
        finally:
            self._put(role, policy, document)

    def _put(self, role: str, policy: str, document: Mapping[str, Any]) -> None:
        self._iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(document))

    def execute(self, execution_input: Mapping[str, Any]) -> tuple[str, str]:
        """Deploy the state machine again as it is, which looks at its role, and execute it: status, error and cause."""
        described = self._states.describe_state_machine(stateMachineArn=self._machine)
        settings = {key: described[key] for key in ("definition", "roleArn", "loggingConfiguration")}
        try:
            self._states.update_state_machine(stateMachineArn=self._machine, **settings)
            started = self._states.start_execution(stateMachineArn=self._machine, input=json.dumps(execution_input))
        except ClientError as error:
            return "REFUSED", str(error)
        while (ended := self._states.describe_execution(executionArn=started["executionArn"]))["status"] == "RUNNING":
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        while any("IN_PROGRESS" in stack["StackStatus"] for stack in self._cloudformation.describe_stacks()["Stacks"]):
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        return ended["status"], f"{ended.get('error', '')}: {ended.get('cause', '')}".strip(": ")
