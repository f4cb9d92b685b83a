"""The budget: there with the setting, for this deployment's costs; the topic takes its news and no others'."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.stacks.template import Template, resources


@pytest.fixture(scope="module")
def stack(synthesize: Callable[..., dict[str, Template]]) -> Template:
    return synthesize(name="other", monthlyBudgetUsd="120.5")["Observability"]


def publishers(stack: Template) -> dict[str, Any]:
    (policy,) = resources(stack, "AWS::SNS::TopicPolicy").values()
    allowed = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
    return {statement["Principal"]["Service"]: statement["Condition"] for statement in allowed}


def test_without_the_setting_there_is_none(templates: dict[str, Template]) -> None:
    assert not resources(templates["Observability"], "AWS::Budgets::Budget")
    assert publishers(templates["Observability"]).keys() == {"cloudwatch.amazonaws.com"}


def test_it_is_about_a_months_costs_of_this_deployment(stack: Template) -> None:
    (made,) = resources(stack, "AWS::Budgets::Budget").values()
    assert made["Budget"] == {
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": {"Amount": 120.5, "Unit": "USD"},
        "CostFilters": {"TagKeyValue": ["user:stocktake:deployment$other"]},
    }


def test_the_topic_is_told_of_what_was_spent_and_of_what_is_expected(stack: Template) -> None:
    (made,) = resources(stack, "AWS::Budgets::Budget").values()
    (topic,) = resources(stack, "AWS::SNS::Topic")
    told = made["NotificationsWithSubscribers"]
    assert [(n["Notification"]["NotificationType"], n["Notification"]["Threshold"]) for n in told] == [
        ("ACTUAL", 80),
        ("FORECASTED", 100),
    ]
    for notification in told:
        assert notification["Subscribers"] == [{"SubscriptionType": "SNS", "Address": {"Ref": topic}}]


def test_the_topic_takes_news_from_this_accounts_budgets_alone(stack: Template) -> None:
    condition = publishers(stack)["budgets.amazonaws.com"]
    account = {"Ref": "AWS::AccountId"}
    assert condition["StringEquals"] == {"aws:SourceAccount": account}
    assert condition["ArnLike"]["aws:SourceArn"]["Fn::Join"][1][-3:] == [":budgets::", account, ":*"]
