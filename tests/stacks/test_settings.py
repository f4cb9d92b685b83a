"""A wrong context value stops the synth with a sentence that names it."""

import re
from fnmatch import fnmatch

import aws_cdk as cdk
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.settings import DeploymentSettings, InvalidSetting


def settings(**context: object) -> DeploymentSettings:
    return DeploymentSettings.from_context(cdk.App(context=context).node)


def test_an_account_without_context_gets_the_defaults() -> None:
    assert settings() == DeploymentSettings()


def test_values_of_the_command_line_are_strings_and_still_typed() -> None:
    # given what `cdk synth -c retainData=false -c endpointInstances=2 -c 'sourceBuckets=["a-bucket"]'` passes on
    chosen = settings(retainData="false", endpointInstances="2", sourceBuckets='["a-bucket"]')
    # then
    assert (chosen.retain_data, chosen.endpoint_instances, chosen.source_buckets) == (False, 2, ["a-bucket"])


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("name", "Stock Take", "lower-case letters"),
        ("sourceBuckets", "aft-vbi-pds", "a JSON list"),
        ("sourceBuckets", "[]", "a JSON list"),
        ("retainData", "perhaps", "true or false"),
        ("schedule", "every day", "rate(7 days)"),
        ("notifyEmail", "nobody", "an email address"),
        ("mapConcurrency", 0, "from 1 to 1000"),
        ("endpointInstances", "two", "from 1 to 20"),
        ("endpointInstanceType", "m5.large", "ml.m5.large"),
        ("evaluationInstanceType", "ml", "ml.m5.large"),
        ("managedDebugger", "perhaps", "true or false"),
        ("pollSeconds", -1, "from 1 to 300"),
    ],
)
def test_a_wrong_value_names_itself_and_what_is_allowed(name: str, value: object, allowed: str) -> None:
    with pytest.raises(InvalidSetting) as error:
        settings(**{name: value})
    assert f"setting {name}:" in str(error.value)
    assert str(value) in str(error.value).replace('\\"', '"')
    assert allowed in str(error.value)


def test_the_execution_defaults_are_checked_with_the_execution_inputs_own_contract() -> None:
    with pytest.raises(InvalidSetting, match=r"setting defaults: dataset\.fraction: 3 was given"):
        settings(defaults={"dataset": {"fraction": 3}})


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(InvalidSetting) as error:
        settings(pollSeconds=0, mapConcurrency=0)
    assert len(str(error.value).splitlines()) == 2


names = st.from_regex(r"[a-z][a-z0-9-]{0,19}", fullmatch=True)
RUN = "0123456789ab"


@given(names)
def test_the_longest_name_of_a_tuning_job_fits(name: str) -> None:
    job = f"{DeploymentSettings(name=name).job_prefix}-{RUN}-tune-9759"
    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}", job)
    assert len(job) <= 32


@given(names, names)
def test_one_deployments_pattern_of_job_names_is_about_its_own_jobs_alone(one: str, other: str) -> None:
    pattern = DeploymentSettings(name=one).job_names
    assert fnmatch(f"{DeploymentSettings(name=other).job_prefix}-{RUN}-train-0", pattern) is (one == other)
