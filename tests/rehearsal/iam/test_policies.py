"""What policies say of a request, by AWS's evaluation logic."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.aws.iam.policies import Policies, Request, decide, matches, statements

MACHINE = "arn:aws:states:x:1:stateMachine:m"
NEW_YEAR = "2026-01-01T00:00:00Z"
WORKER = "arn:aws:iam::123456789012:role/worker"


def policy(*content: dict[str, Any]) -> list[Any]:
    return statements("work", {"Statement": list(content)})


def allow(action: Any = "s3:GetObject", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(**more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": "*", "Resource": "*", **more}


def request(action: str = "s3:GetObject", resource: str = "arn:aws:s3:::b/k", **context: list[str]) -> Request:
    return Request(WORKER, action, resource, {key.replace("_", ":").lower(): value for key, value in context.items()})


@given(
    st.sampled_from(["s3:GetObject", "s3:Get*", "s3:*", "*", "S3:getobject"]),
    st.sampled_from(["*", "arn:aws:s3:::b/*"]),
)
def test_a_matching_statement_allows(action: str, resource: str) -> None:
    assert decide(request(), Policies(identity=policy(allow(action, resource)))).allowed


@pytest.mark.parametrize(
    "content",
    [
        allow("s3:GetObjec"),
        allow("s3:PutObject"),
        allow(resource="arn:aws:s3:::b"),
        allow(resource="arn:aws:s3:::B/k"),
        {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::b/*"},
    ],
)
def test_anything_else_is_denied_without_a_word(content: dict[str, Any]) -> None:
    decision = decide(request(), Policies(identity=policy(content)))
    assert not decision.allowed
    assert decision.reason == "because no identity-based policy allows the s3:GetObject action"


def test_an_explicit_deny_wins_wherever_it_stands() -> None:
    everything = policy(allow("*"))
    for policies in (
        Policies(identity=everything + policy(deny())),
        Policies(identity=everything, resource=policy(deny(Principal="*"))),
        Policies(identity=everything, boundary=everything + policy(deny())),
    ):
        decision = decide(request(), policies)
        assert not decision.allowed
        assert "explicit deny" in decision.reason


def test_a_boundary_allows_nothing_by_itself_and_limits_everything() -> None:
    some, everything = policy(allow("s3:GetObject")), policy(allow("*"))
    assert decide(request(), Policies(everything, (), some)).allowed
    assert not decide(request("s3:PutObject"), Policies(everything, (), some)).allowed
    assert not decide(request(), Policies((), (), everything)).allowed


def test_another_accounts_resource_has_to_be_allowed_on_both_sides() -> None:
    own, theirs = policy(allow()), policy(allow(Principal="*"))
    assert decide(request(), Policies(own, theirs), foreign=True).allowed
    assert not decide(request(), Policies(own), foreign=True).allowed
    assert not decide(request(), Policies((), theirs), foreign=True).allowed
    # and in one account either suffices
    assert decide(request(), Policies((), theirs)).allowed


@pytest.mark.parametrize(
    ("condition", "context", "met"),
    [
        ({"StringEquals": {"aws:SourceAccount": "1"}}, {"aws_SourceAccount": ["1"]}, True),
        ({"StringEquals": {"aws:SourceAccount": "1"}}, {"aws_SourceAccount": ["2"]}, False),
        ({"StringEquals": {"aws:SourceAccount": "1"}}, {}, False),
        ({"StringNotEquals": {"cloudformation:RoleArn": "r"}}, {}, True),
        ({"StringNotEquals": {"cloudformation:RoleArn": "r"}}, {"cloudformation_RoleArn": ["r"]}, False),
        ({"StringLike": {"s3:prefix": ["a/*", "b/*"]}}, {"s3_prefix": ["b/c"]}, True),
        ({"StringLike": {"s3:prefix": ["a/*", "b/*"]}}, {"s3_prefix": ["c"]}, False),
        ({"StringLikeIfExists": {"s3:prefix": "a/*"}}, {}, True),
        ({"Bool": {"aws:SecureTransport": "false"}}, {"aws_SecureTransport": ["true"]}, False),
        ({"Bool": {"aws:SecureTransport": False}}, {"aws_SecureTransport": ["false"]}, True),
        ({"Null": {"cloudformation:RoleArn": "true"}}, {}, True),
        ({"Null": {"cloudformation:RoleArn": "true"}}, {"cloudformation_RoleArn": ["r"]}, False),
        (
            {"ArnLike": {"aws:SourceArn": "arn:aws:states:*:1:stateMachine:*"}},
            {"aws_SourceArn": [MACHINE]},
            True,
        ),
        (
            {"ArnLike": {"aws:SourceArn": "arn:aws:states:*:m"}},
            {"aws_SourceArn": [MACHINE]},
            False,
        ),
        ({"NumericLessThan": {"s3:max-keys": "10"}}, {"s3_max-keys": ["9"]}, True),
        ({"NumericLessThan": {"s3:max-keys": "10"}}, {"s3_max-keys": ["10"]}, False),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}}, {"aws_TagKeys": ["a"]}, True),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}}, {"aws_TagKeys": ["a", "c"]}, False),
        ({"ForAnyValue:StringEquals": {"aws:TagKeys": ["a"]}}, {"aws_TagKeys": ["a", "c"]}, True),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {"aws_SourceIp": ["10.1.2.3"]}, True),
        (
            {"DateLessThan": {"aws:CurrentTime": NEW_YEAR}},
            {"aws_CurrentTime": ["2025-12-31T00:00:00Z"]},
            True,
        ),
    ],
)
def test_conditions(condition: dict[str, Any], context: dict[str, list[str]], met: bool) -> None:
    assert decide(request(**context), Policies(identity=policy(allow(Condition=condition)))).allowed is met


def test_an_unknown_operator_is_no_silent_yes_or_no() -> None:
    with pytest.raises(ValueError, match="BinaryEquals"):
        decide(request(a=["b"]), Policies(identity=policy(allow(Condition={"BinaryEquals": {"a": "b"}}))))


@given(st.text("ab[]^.*?\\", max_size=8))
def test_a_text_without_wildcards_matches_itself_alone(text: str) -> None:
    plain = text.replace("*", "").replace("?", "")
    assert matches(plain, plain)
    assert not matches(plain, plain + "x")
    assert matches(text, text)
