"""What is taken as a schedule, and what it starts."""

import aws_cdk as cdk
import pytest
from cfnlint.jsonschema import CfnTemplateValidator as Validator
from cfnlint.rules.resources.events.RuleScheduleExpression import RuleScheduleExpression
from hypothesis import given
from hypothesis import strategies as st

from stacks.schedules import requirement
from stacks.settings import DeploymentSettings, InvalidSetting


def settings(**context: object) -> DeploymentSettings:
    return DeploymentSettings.from_context(cdk.App(context=context).node)


@pytest.mark.parametrize(
    "expression",
    [
        *("rate(1 minute)", "rate(5 minutes)", "rate(1 hour)", "rate(12 hours)", "rate(1 day)", "rate(7 days)"),
        # The examples of EventBridge's user guide.
        *("cron(0 10 * * ? *)", "cron(15 12 * * ? *)", "cron(0 18 ? * MON-FRI *)", "cron(0 8 1 * ? *)"),
        *("cron(0/15 * * * ? *)", "cron(0/10 * ? * MON-FRI *)", "cron(0/5 8-17 ? * MON-FRI *)"),
        *(
            "cron(0/30 20-23,0-2 ? * MON-FRI *)",
            "cron(0 9 ? * 2#1 *)",
            "cron(0 9 L * ? 2026-2030)",
            "cron(0 9 3W * ? *)",
        ),
    ],
)
def test_the_schedules_of_eventbridge_are_taken(expression: str) -> None:
    assert settings(schedule=expression).schedule == expression
    assert not list(RuleScheduleExpression().validate(Validator({}), None, expression, {}))


fields = st.sampled_from(["*", "?", "?", "0", "1", "5", "L", "2#1", "MON-FRI", "JAN", "0/5", "1,15", "2026", "60"])
schedules = st.builds("rate({} {})".format, st.integers(-1, 40), st.sampled_from(["day", "days", "hour", "minutes"]))
schedules |= st.builds("cron({})".format, st.lists(fields, min_size=5, max_size=7).map(" ".join))


@given(schedules)
def test_what_is_taken_as_a_schedule_passes_cfn_lint_too(expression: str) -> None:
    if requirement(expression) is None:
        assert not list(RuleScheduleExpression().validate(Validator({}), None, expression, {}))


def test_a_schedule_starts_executions_that_have_a_source() -> None:
    # given a deployment whose executions have to name their source
    own = {"sourceBuckets": ["own-bins"]}
    assert settings(**own)
    # then a schedule cannot start any
    with pytest.raises(InvalidSetting, match=r"setting defaults: dataset\.source: .* sourceBuckets"):
        settings(**own, schedule="rate(1 day)")
    assert settings(**own, schedule="rate(1 day)", defaults={"dataset": {"source": "s3://own-bins"}})
