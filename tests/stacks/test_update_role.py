"""The update role has what CloudFormation's handlers call, by the schemas that AWS publishes and cfn-lint carries."""

import json
from importlib import resources as package

import pytest

from tests.stacks.template import Template, as_list, resources, statements

UPDATED = {
    "AWS::SageMaker::Model",
    "AWS::SageMaker::EndpointConfig",
    "AWS::SageMaker::Endpoint",
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::CloudWatch::Alarm",
}
"""What the parameter's change creates, changes or deletes; roles stay as `cdk deploy` made them."""

NOT_NEEDED = {
    "kms:DescribeKey": "no key is given",
    "application-autoscaling:PutScheduledAction": "no scheduled actions are declared",
    "application-autoscaling:DeleteScheduledAction": "no scheduled actions are declared",
    "application-autoscaling:TagResource": "scalable targets have no tags of their own",
    "application-autoscaling:UntagResource": "scalable targets have no tags of their own",
    "cloudwatch:GetMetricData": "for predictive scaling",
    "lambda:GetProvisionedConcurrencyConfig": "for functions as targets",
    "lambda:PutProvisionedConcurrencyConfig": "for functions as targets",
    "lambda:DeleteProvisionedConcurrencyConfig": "for functions as targets",
}
"""Why the role lacks a permission that a handler may use."""


@pytest.fixture(scope="module")
def handlers() -> dict[str, set[str]]:
    """Permissions of the create, read, update and delete handlers of each type."""
    found = {}
    for file in package.files("cfnlint.data.schemas.resources").iterdir():
        text = file.read_text(encoding="utf-8") if file.name.endswith(".json") else ""
        if any(f'"typeName": "{kind}"' in text for kind in UPDATED):
            schema = json.loads(text)
            its = {verb: handler for verb, handler in schema.get("handlers", {}).items() if verb != "list"}
            found[schema["typeName"]] = {action for handler in its.values() for action in handler["permissions"]}
    return found


def test_every_type_behind_the_parameter_is_looked_at(templates: dict[str, Template]) -> None:
    conditional = {r["Type"] for r in templates["Endpoint"]["Resources"].values() if r.get("Condition") == "HasModel"}
    assert conditional == UPDATED


@pytest.mark.parametrize("kind", sorted(UPDATED))
def test_the_role_has_what_the_handlers_call(
    templates: dict[str, Template], handlers: dict[str, set[str]], kind: str
) -> None:
    allowed = {action for s in statements(templates["Endpoint"], "UpdateRole") for action in as_list(s["Action"])}
    assert handlers[kind] - allowed <= NOT_NEEDED.keys()
    assert handlers[kind], "the schema lists no permissions"


def test_the_role_makes_and_removes_the_alarms_of_every_configuration(templates: dict[str, Template]) -> None:
    [statement] = [s for s in statements(templates["Endpoint"], "UpdateRole") if s.get("Sid") == "RollbackAlarms"]
    assert {"cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"} <= set(statement["Action"])
    for alarm in resources(templates["Endpoint"], "AWS::CloudWatch::Alarm").values():
        _, (fixed, _configuration) = alarm["AlarmName"]["Fn::Join"]
        assert f":alarm:{fixed}*'" in str(statement["Resource"])


@pytest.mark.parametrize(
    ("stack", "role", "service"),
    [
        ("Endpoint", "EndpointRole", "sagemaker"),
        ("Workflow", "TrainingRole", "sagemaker"),
        ("Workflow", "FeaturesRole", "sagemaker"),
        ("Workflow", "EvaluationRole", "sagemaker"),
    ],
)
def test_a_service_takes_a_role_for_this_accounts_resources_alone(
    templates: dict[str, Template], role: str, stack: str, service: str
) -> None:
    [made] = [r for id, r in resources(templates[stack], "AWS::IAM::Role").items() if id.startswith(role)]
    [trust] = made["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": f"{service}.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert f":{service}:" in str(trust["Condition"]["ArnLike"]["aws:SourceArn"])


def test_cloudformation_takes_the_update_role_for_this_stack_if_it_says_for_what(
    templates: dict[str, Template],
) -> None:
    """It is not documented to say anything: a condition without IfExists would deny every release then."""
    [made] = [r for id, r in resources(templates["Endpoint"], "AWS::IAM::Role").items() if id.startswith("UpdateRole")]
    [trust] = made["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "cloudformation.amazonaws.com"}
    assert trust["Condition"].keys() == {"StringEqualsIfExists", "ArnLikeIfExists"}
    assert trust["Condition"]["StringEqualsIfExists"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert ":stack/Stocktake-Endpoint/*" in str(trust["Condition"]["ArnLikeIfExists"]["aws:SourceArn"])
