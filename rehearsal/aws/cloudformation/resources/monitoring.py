"""SNS, SQS, CloudWatch and Budgets."""

from __future__ import annotations

import contextlib
import json

from rehearsal.aws.cloudformation.resource_type import (
    Context,
    Properties,
    PutType,
    ResourceFailed,
    ResourceType,
    chosen,
)
from rehearsal.aws.cloudformation.templates import Deployed
from rehearsal.aws.location import ACCOUNT_ID


class Topic(PutType):
    """``AWS::SNS::Topic``"""

    name = "AWS::SNS::Topic"
    replaced_by = frozenset({"TopicName", "FifoTopic"})

    def put(self, context: Context, physical_id: str | None, properties: Properties) -> Deployed:
        """Create the topic where needed and set its attributes."""
        sns = context.client("sns")
        arn = physical_id
        if arn is None:
            name = properties.get("TopicName") or context.unique_name(256)
            arn = str(sns.create_topic(Name=name, Tags=properties.get("Tags", []))["TopicArn"])
        for attribute, value in chosen(properties, "DisplayName", "KmsMasterKeyId").items():
            sns.set_topic_attributes(TopicArn=arn, AttributeName=attribute, AttributeValue=value)
        return Deployed(arn, {"TopicArn": arn, "TopicName": arn.rsplit(":", 1)[1]})

    def delete(self, context: Context, physical_id: str) -> None:
        """Remove the topic."""
        context.client("sns").delete_topic(TopicArn=physical_id)


class TopicPolicy(PutType):
    """``AWS::SNS::TopicPolicy``: kept and not enforced."""

    name = "AWS::SNS::TopicPolicy"

    def put(self, context: Context, physical_id: str | None, properties: Properties) -> Deployed:
        """Set the policy of each topic."""
        sns = context.client("sns")
        for topic in properties["Topics"]:
            document = json.dumps(properties["PolicyDocument"])
            sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=document)
        identity = physical_id or context.unique_name(256)
        return Deployed(identity, {"Id": identity})

    def delete(self, context: Context, physical_id: str) -> None:
        """The policy ends with its topic."""


class Subscription(ResourceType):
    """``AWS::SNS::Subscription``"""

    name = "AWS::SNS::Subscription"
    replaced_by = frozenset({"TopicArn", "Protocol", "Endpoint", "Region"})

    def create(self, context: Context, properties: Properties) -> Deployed:
        """Subscribe."""
        options = chosen(properties, "TopicArn", "Protocol", "Endpoint")
        arn = context.client("sns").subscribe(ReturnSubscriptionArn=True, **options)["SubscriptionArn"]
        return Deployed(arn, {"Arn": arn})

    def delete(self, context: Context, physical_id: str) -> None:
        """Unsubscribe."""
        context.client("sns").unsubscribe(SubscriptionArn=physical_id)


class Queue(ResourceType):
    """``AWS::SQS::Queue``"""

    name = "AWS::SQS::Queue"
    replaced_by = frozenset({"QueueName", "FifoQueue"})

    def create(self, context: Context, properties: Properties) -> Deployed:
        """Create the queue."""
        queue = properties.get("QueueName") or context.unique_name(80)
        url = context.client("sqs").create_queue(QueueName=queue)["QueueUrl"]
        return Deployed(url, {"Arn": context.arn("sqs", queue), "QueueName": queue, "QueueUrl": url})

    def delete(self, context: Context, physical_id: str) -> None:
        """Remove the queue."""
        sqs = context.client("sqs")
        with contextlib.suppress(sqs.exceptions.QueueDoesNotExist):
            sqs.delete_queue(QueueUrl=physical_id)


class QueuePolicy(PutType):
    """``AWS::SQS::QueuePolicy``: kept and not enforced."""

    name = "AWS::SQS::QueuePolicy"

    def put(self, context: Context, physical_id: str | None, properties: Properties) -> Deployed:
        """Set the policy of each queue."""
        sqs = context.client("sqs")
        for queue in properties["Queues"]:
            sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(properties["PolicyDocument"])})
        identity = physical_id or context.unique_name(80)
        return Deployed(identity, {"Id": identity})

    def delete(self, context: Context, physical_id: str) -> None:
        """The policy ends with its queue."""


class Alarm(PutType):
    """``AWS::CloudWatch::Alarm``: kept; it changes state only when somebody sets it."""

    name = "AWS::CloudWatch::Alarm"
    replaced_by = frozenset({"AlarmName"})

    def put(self, context: Context, physical_id: str | None, properties: Properties) -> Deployed:
        """Create or change the alarm."""
        alarm = physical_id or properties.get("AlarmName") or context.unique_name(255)
        context.client("cloudwatch").put_metric_alarm(**{**properties, "AlarmName": alarm})
        return Deployed(alarm, {"Arn": context.arn("cloudwatch", f"alarm:{alarm}")})

    def delete(self, context: Context, physical_id: str) -> None:
        """Remove the alarm."""
        context.client("cloudwatch").delete_alarms(AlarmNames=[physical_id])


class Dashboard(PutType):
    """``AWS::CloudWatch::Dashboard``"""

    name = "AWS::CloudWatch::Dashboard"
    replaced_by = frozenset({"DashboardName"})

    def put(self, context: Context, physical_id: str | None, properties: Properties) -> Deployed:
        """Create or change the dashboard. Names are an account's, whatever the region."""
        cloudwatch = context.client("cloudwatch")
        dashboard = physical_id or properties.get("DashboardName") or context.unique_name(255)
        there = cloudwatch.list_dashboards(DashboardNamePrefix=dashboard)["DashboardEntries"]
        if not physical_id and dashboard in {entry["DashboardName"] for entry in there}:
            raise ResourceFailed(f"Dashboard already exists: {dashboard}")
        cloudwatch.put_dashboard(DashboardName=dashboard, DashboardBody=properties["DashboardBody"])
        return Deployed(dashboard, {})

    def delete(self, context: Context, physical_id: str) -> None:
        """Remove the dashboard."""
        context.client("cloudwatch").delete_dashboards(DashboardNames=[physical_id])


class Budget(PutType):
    """``AWS::Budgets::Budget``: kept; nothing is spent, so nobody is told."""

    name = "AWS::Budgets::Budget"
    replaced_by = frozenset({"NotificationsWithSubscribers"})

    def put(self, context: Context, physical_id: str | None, properties: Properties) -> Deployed:
        """Create the budget with its notifications; moto cannot change one, so it is made anew."""
        given = properties["Budget"]
        name = physical_id or given.get("BudgetName") or context.unique_name(100)
        self.delete(context, name)
        # The API's amount is a text.
        limit = {**given["BudgetLimit"], "Amount": str(given["BudgetLimit"]["Amount"])}
        context.client("budgets").create_budget(
            AccountId=ACCOUNT_ID,
            Budget={**given, "BudgetName": name, "BudgetLimit": limit},
            NotificationsWithSubscribers=properties.get("NotificationsWithSubscribers", []),
        )
        return Deployed(name, {"Id": name})

    def delete(self, context: Context, physical_id: str) -> None:
        """Remove the budget."""
        budgets = context.client("budgets")
        with contextlib.suppress(budgets.exceptions.NotFoundException):
            budgets.delete_budget(AccountId=ACCOUNT_ID, BudgetName=physical_id)
