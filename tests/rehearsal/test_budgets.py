"""A budget of the emulated CloudFormation."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rehearsal.cloudformation_stack import Stack
from tests.rehearsal.emulator import Emulator


@pytest.fixture
def stack(aws: Emulator) -> Stack:
    return Stack(aws)


def test_a_budget_is_kept_changed_and_removed(aws: Emulator, stack: Stack) -> None:
    def template(usd: float) -> dict[str, Any]:
        limit = {"Amount": usd, "Unit": "USD"}
        notification = {
            "Notification": {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80},
            "Subscribers": [{"SubscriptionType": "SNS", "Address": {"Ref": "Topic"}}],
        }
        properties = {
            "Budget": {"BudgetType": "COST", "TimeUnit": "MONTHLY", "BudgetLimit": limit},
            "NotificationsWithSubscribers": [notification],
        }
        budget = {"Type": "AWS::Budgets::Budget", "Properties": properties}
        return {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}, "Budget": budget}}

    budgets = aws.client("budgets")
    account = aws.client("sts").get_caller_identity()["Account"]
    # given a stack with a budget
    assert stack.create(template(20))["StackStatus"] == "CREATE_COMPLETE"
    name = stack.resources()["Budget"]
    # when its limit changes
    assert stack.update(template(30.5))["StackStatus"] == "UPDATE_COMPLETE"
    # then it is the same budget with that limit
    assert stack.resources()["Budget"] == name
    found = budgets.describe_budget(AccountId=account, BudgetName=name)["Budget"]
    assert float(found["BudgetLimit"]["Amount"]) == 30.5
    # ... and goes with the stack
    stack.delete()
    assert not budgets.describe_budgets(AccountId=account).get("Budgets")
