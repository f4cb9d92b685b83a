"""CloudFormation's template language, evaluated without a server."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.aws.cloudformation.templates import (
    Deployed,
    Scope,
    Template,
    TemplateError,
    parse,
    resolve_parameters,
)

BODY: dict[str, Any] = {
    "Conditions": {
        "InEurope": {"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-west-1"]},
        "HasName": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Name"}, ""]}]},
        "Both": {"Fn::And": [{"Condition": "InEurope"}, {"Condition": "HasName"}]},
        "Either": {"Fn::Or": [{"Condition": "InEurope"}, {"Fn::Equals": ["a", "b"]}]},
    },
    "Mappings": {"Accounts": {"eu-west-1": {"value": "763104351884"}}},
    "Resources": {"Anything": {"Type": "AWS::SNS::Topic"}},
}


def template(body: dict[str, Any] = BODY) -> Template:
    """A template in a scope with one bucket."""
    scope = Scope(
        parameters={"Name": "bins", "List": ["a", "b"]},
        pseudo={"AWS::Region": "eu-west-1", "AWS::StackId": "arn:aws:cloudformation:eu-west-1:1:stack/s/12-34"},
        exports={"other:Bucket": "theirs"},
        resources={"Bucket": Deployed("my-bucket", {"Arn": "arn:aws:s3:::my-bucket"})},
    )
    return Template(body, scope)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "Bucket"}, "my-bucket"),
        ({"Ref": "Name"}, "bins"),
        ({"Fn::GetAtt": ["Bucket", "Arn"]}, "arn:aws:s3:::my-bucket"),
        ({"Fn::GetAtt": "Bucket.Arn"}, "arn:aws:s3:::my-bucket"),
        ({"Fn::Sub": "${Bucket.Arn}/${Name}-${!literal}"}, "arn:aws:s3:::my-bucket/bins-${literal}"),
        ({"Fn::Sub": ["${a}${Name}", {"a": {"Ref": "Bucket"}}]}, "my-bucketbins"),
        ({"Fn::Join": ["/", ["a", {"Ref": "Name"}]]}, "a/bins"),
        ({"Fn::Select": ["1", {"Ref": "List"}]}, "b"),
        (
            {
                "Fn::Select": [
                    0,
                    {"Fn::Split": ["-", {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}]},
                ]
            },
            "12",
        ),
        ({"Fn::If": ["Both", 1, 2]}, 1),
        ({"Fn::If": ["Either", 1, 2]}, 1),
        ({"Fn::FindInMap": ["Accounts", {"Ref": "AWS::Region"}, "value"]}, "763104351884"),
        ({"Fn::ImportValue": {"Fn::Sub": "other:Bucket"}}, "theirs"),
        ({"Fn::Base64": "a"}, "YQ=="),
        ({"Fn::ToJsonString": {"a": {"Ref": "Name"}}}, '{"a": "bins"}'),
        ({"kept": 1, "dropped": {"Fn::If": ["Both", {"Ref": "AWS::NoValue"}, 1]}}, {"kept": 1}),
        ([{"Ref": "AWS::NoValue"}, 1], [1]),
        (
            {"Condition": {"Bool": {"aws:SecureTransport": "false"}}},
            {"Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        ),
    ],
)
def test_function(value: Any, expected: Any) -> None:
    # Given a function within a value, Then it resolves to what CloudFormation makes of it.
    assert template().resolve(value) == expected


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"Ref": "Nothing"}, r"Unresolved resource dependencies \[Nothing\]"),
        ({"Fn::GetAtt": ["Bucket", "Color"]}, "Bucket has no attribute Color in the rehearsal; it has Arn"),
        ({"Fn::ImportValue": "none"}, "No export named none found"),
        ({"Fn::FindInMap": ["Accounts", "us-east-1", "value"]}, "Unable to get mapping for Accounts::us-east-1::value"),
        ({"Fn::If": ["None", 1, 2]}, "Unresolved condition dependency None"),
        ({"Fn::Cidr": ["10.0.0.0/16", 1]}, "does not know the function Fn::Cidr"),
    ],
)
def test_what_cannot_be_resolved_is_named(value: Any, sentence: str) -> None:
    # Given a reference to nothing, Then the error names it.
    with pytest.raises(TemplateError, match=sentence):
        template().resolve(value)


@given(st.permutations(["A", "B", "C", "D"]))
def test_resources_come_after_what_they_depend_on(order: list[str]) -> None:
    # Given resources in any order in the template, Then each follows those that it names in any way.
    declarations = {
        "A": {"Type": "T", "Properties": {"x": {"Fn::Sub": "${B.Arn}"}}, "DependsOn": "D"},
        "B": {"Type": "T", "Properties": {"x": [{"Ref": "C"}, {"Ref": "Name"}]}},
        "C": {"Type": "T"},
        "D": {"Type": "T", "Properties": {"x": {"Fn::GetAtt": ["C", "Arn"]}}},
    }
    found = list(template({"Resources": {name: declarations[name] for name in order}}).resources())
    for earlier, later in [("B", "A"), ("D", "A"), ("C", "B"), ("C", "D")]:
        assert found.index(earlier) < found.index(later)


def test_circle_of_resources_is_refused() -> None:
    # Given two resources that wait for each other, Then the error says so.
    body = {"Resources": {"A": {"Type": "T", "DependsOn": "B"}, "B": {"Type": "T", "DependsOn": ["A"]}}}
    with pytest.raises(TemplateError, match="Circular dependency"):
        template(body).resources()


def test_parameters_are_defaults_given_values_and_ssms() -> None:
    # Given a default, a given value, a list and an SSM parameter, Then each has its value.
    declared = {
        "Size": {"Type": "Number", "Default": 3},
        "Names": {"Type": "CommaDelimitedList", "Default": "a,b"},
        "Version": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/cdk/version"},
        "Word": {"Type": "String", "AllowedPattern": "[a-z]*"},
    }
    values = resolve_parameters({"Parameters": declared}, {"Word": "x"}, {"/cdk/version": "30"}.__getitem__)
    assert values == {"Size": "3", "Names": ["a", "b"], "Version": "30", "Word": "x"}
    for given_, sentence in [
        ({}, r"\[Word\] must have values"),
        ({"Word": "X"}, r"must match \[a-z\]\*, and 'X' does not"),
        ({"Word": "x", "Wrod": "y"}, r"\[Wrod\] do not exist"),
    ]:
        with pytest.raises(TemplateError, match=sentence):
            resolve_parameters({"Parameters": declared}, given_, {"/cdk/version": "30"}.__getitem__)


def test_templates_are_json_or_yaml() -> None:
    # Given the same template in both, Then short forms of functions mean the same.
    as_json = json.dumps({"Resources": {"A": {"Type": "T", "Properties": {"x": {"Ref": "B"}}}}})
    as_yaml = "Resources:\n  A:\n    Type: T\n    Properties:\n      x: !Ref B\n"
    assert parse(as_json) == parse(as_yaml)
    for broken in ("Resources: [", "{}", "just text"):
        with pytest.raises(TemplateError, match="Template format error"):
            parse(broken)
