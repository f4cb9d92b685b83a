"""The watch on drift: off by default, daily where requests are kept, and allowed no more than it does."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.stacks.template import Template, as_list, resources, statements

Templates = dict[str, Template]


@pytest.fixture(scope="module")
def watched(synthesize: Callable[..., Templates]) -> Templates:
    return synthesize(capturePercent=10, driftStarts=True)


def rules(template: Template) -> list[dict[str, Any]]:
    return [rule for rule in resources(template, "AWS::Events::Rule").values() if "ScheduleExpression" in rule]


def test_by_default_there_is_none(templates: Templates) -> None:
    assert "drift" not in json.dumps(templates["Workflow"]).lower()
    assert "Drift" not in json.dumps(templates["Observability"])


def test_where_requests_are_kept_it_looks_every_day(watched: Templates) -> None:
    [rule] = rules(watched["Workflow"])
    assert rule["ScheduleExpression"] == "rate(1 day)"
    [target] = rule["Targets"]
    function = watched["Workflow"]["Resources"][target["Arn"]["Fn::GetAtt"][0]]["Properties"]
    assert function["Handler"] == "watch_drift.handler"
    assert function["Environment"]["Variables"]["CAPTURES"] == "captured/stocktake/live/"
    assert {"DriftFunction", "DriftResult"} <= watched["Workflow"]["Outputs"].keys()


def test_the_alarm_tells_the_topic_and_stays_between_looks(watched: Templates) -> None:
    [alarm] = resources(watched["Workflow"], "AWS::CloudWatch::Alarm").values()
    assert (alarm["Namespace"], alarm["MetricName"]) == ("Stocktake", "DriftDetected")
    assert alarm["Dimensions"] == [{"Name": "Endpoint", "Value": "stocktake"}]
    assert alarm["TreatMissingData"] == "ignore"
    assert len(alarm["AlarmActions"]) == 1
    assert "make drift" in alarm["AlarmDescription"]


def test_it_reads_captures_and_reports_and_writes_below_drift_alone(watched: Templates) -> None:
    found = {one["Sid"]: one for one in statements(watched["Workflow"], "FunctionsWatchDriftRole")}
    assert found.keys() == {
        *("WriteLogs", "FindObjects", "ReadCaptures", "WriteDrift", "FindEvaluation", "WriteMetrics", "StartExecution")
    }
    written = [one for one in found.values() if "s3:PutObject" in as_list(one["Action"])]
    assert [one["Sid"] for one in written] == ["WriteDrift"]
    assert "/drift/*" in json.dumps(written[0]["Resource"])
    assert found["WriteMetrics"]["Condition"] == {"StringEquals": {"cloudwatch:namespace": "Stocktake"}}
    [started] = found["StartExecution"]["Resource"].values()
    assert started.startswith("StateMachine")
    assert "Drift: distance" in json.dumps(watched["Observability"])


def test_without_the_setting_it_may_start_nothing(synthesize: Callable[..., Templates]) -> None:
    template = synthesize(capturePercent=10, driftSchedule="rate(7 days)")["Workflow"]
    assert [rule["ScheduleExpression"] for rule in rules(template)] == ["rate(7 days)"]
    sids = {one["Sid"] for one in statements(template, "FunctionsWatchDriftRole")}
    assert "StartExecution" not in sids
    [function] = [f for f in resources(template, "AWS::Lambda::Function").values() if "watch_drift" in f["Handler"]]
    assert "STATE_MACHINE" not in function["Environment"]["Variables"]
