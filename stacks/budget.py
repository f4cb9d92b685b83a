"""A budget for what carries the deployment's tag: the topic is told when a month's costs come near it."""

from aws_cdk import Stack
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns

from stacks.settings import DEPLOYMENT

_ALARMS = {"ACTUAL": 80, "FORECASTED": 100}
"""Per cent of the budget at which the topic is told, of what was spent and of what the month is expected to cost."""


def budget(stack: Stack, deployment: str, usd: float, topic: sns.Topic) -> None:
    """A budget of so many USD a month. It is told costs a few times a day, and only once the tag is activated."""
    told = budgets.CfnBudget.SubscriberProperty(subscription_type="SNS", address=topic.topic_arn)
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            actions=["sns:Publish"],
            principals=[iam.ServicePrincipal("budgets.amazonaws.com")],
            resources=[topic.topic_arn],
            conditions={
                "StringEquals": {"aws:SourceAccount": stack.account},
                "ArnLike": {"aws:SourceArn": f"arn:{stack.partition}:budgets::{stack.account}:*"},
            },
        )
    )
    budgets.CfnBudget(
        stack,
        "Budget",
        budget=budgets.CfnBudget.BudgetDataProperty(
            budget_type="COST",
            time_unit="MONTHLY",
            budget_limit=budgets.CfnBudget.SpendProperty(amount=usd, unit="USD"),
            cost_filters={"TagKeyValue": [f"user:{DEPLOYMENT}${deployment}"]},
        ),
        notifications_with_subscribers=[
            budgets.CfnBudget.NotificationWithSubscribersProperty(
                notification=budgets.CfnBudget.NotificationProperty(
                    notification_type=kind,
                    comparison_operator="GREATER_THAN",
                    threshold=percent,
                    threshold_type="PERCENTAGE",
                ),
                subscribers=[told],
            )
            for kind, percent in _ALARMS.items()
        ],
    )
