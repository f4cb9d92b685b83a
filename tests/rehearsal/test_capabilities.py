"""Identities that a template makes are made for those alone who say that they know."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.cloudformation_stack import Stack, parameter
from tests.rehearsal.emulator import Emulator

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}],
}


@pytest.fixture
def stack(aws: Emulator) -> Stack:
    """A stack that does not exist yet."""
    return Stack(aws)


def role(**properties: Any) -> dict[str, Any]:
    """A template with a role."""
    properties |= {"AssumeRolePolicyDocument": TRUST}
    return {"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": properties}}}


NAMED = {"RoleName": "a-role"}


@pytest.mark.parametrize(
    ("properties", "given", "required"),
    [
        ({}, [], "CAPABILITY_IAM"),
        ({"Path": "/team/"}, ["CAPABILITY_AUTO_EXPAND"], "CAPABILITY_IAM"),
        (NAMED, [], "CAPABILITY_NAMED_IAM"),
        (NAMED, ["CAPABILITY_IAM"], "CAPABILITY_NAMED_IAM"),
    ],
)
def test_a_role_that_is_not_acknowledged_is_refused(
    stack: Stack, properties: dict[str, Any], given: list[str], required: str
) -> None:
    # Given a stack, When its creation, update or change set would make a role unsaid, Then AWS says what to say.
    template = role(**properties)
    with pytest.raises(ClientError) as refused:
        stack.create(template, Capabilities=given)
    assert refused.value.response["Error"]["Code"] == "InsufficientCapabilitiesException"
    assert refused.value.response["Error"]["Message"] == f"Requires capabilities : [{required}]"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    stack.create({"Resources": {"P": parameter(f"/{stack.name}", "1")}})
    for change in (stack.update, stack.propose):
        with pytest.raises(ClientError, match="InsufficientCapabilitiesException"):
            change(template, Capabilities=given)


@pytest.mark.parametrize(
    ("properties", "given"),
    [({"Path": "/team/"}, "CAPABILITY_IAM"), ({}, "CAPABILITY_NAMED_IAM"), (NAMED, "CAPABILITY_NAMED_IAM")],
)
def test_a_role_that_is_acknowledged_is_made(stack: Stack, properties: dict[str, Any], given: str) -> None:
    # Given what AWS asks for, Then the stack is made and tells what its caller said.
    created = stack.create(role(**properties), Capabilities=[given])
    assert (created["StackStatus"], created["Capabilities"]) == ("CREATE_COMPLETE", [given])
    stack.delete()


def test_a_stack_of_an_existing_name_is_refused_by_aws_code(stack: Stack) -> None:
    # Given a stack, When another of its name is created, Then the error is the one that clients know.
    template = {"Resources": {"P": parameter(f"/{stack.name}", "1")}}
    stack.create(template)
    with pytest.raises(ClientError) as refused:
        stack.create(template)
    assert refused.value.response["Error"]["Code"] == "AlreadyExistsException"
    assert refused.value.response["Error"]["Message"] == f"Stack [{stack.name}] already exists"
