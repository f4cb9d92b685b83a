"""A wrong context value stops the synth with a sentence that names it."""

import json
import re
from fnmatch import fnmatch
from typing import cast

import aws_cdk as cdk
import pytest
from constructs import Node
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import plan
from rehearsal.aws.service_models import service_model
from stacks.endpoint.alarms import alarm_names
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
        ("monthlyBudgetUsd", 0, "USD above 0"),
        ("monthlyBudgetUsd", "much", "USD above 0"),
        ("monthlyBudgetUsd", "nan", "USD above 0"),
        ("permissionsBoundary", "arn:aws:iam::1:role/boundary", "the ARN or the name of a managed policy"),
        ("iamPath", "teams", "begins and ends with a slash"),
        ("vpc", "[]", "of 1 to 16 subnets"),
        ("vpc", '{"subnetIds": ["sg-01234567"], "securityGroupIds": ["sg-01234567"]}', "subnet-0123"),
        ("kmsKey", "arn:aws:kms:eu-west-1:123456789012:alias/mine", "not of an alias"),
        ("accessLogBucket", "s3://logs", "the name of a bucket"),
        ("tags", '{"aws:team": "vision"}', "neither with aws:"),
        ("tags", '{"stocktake:execution": "mine"}', "nor with stocktake:"),
        ("tags", '{"team": "a;b"}', "values of up to 256"),
        ("logRetentionDays", 31, "one of 1, 3, 5"),
        ("mapConcurrency", 0, "from 1 to 1000"),
        ("endpointInstances", "two", "from 1 to 20"),
        ("endpointInstanceType", "m5.large", "ml.m5.large"),
        ("endpointInstanceType", "ml.m5.huge", "ml.m5.large"),
        ("endpointInstanceType", "ml.m6g.large", "x86-64"),
        ("endpointInstanceType", "ml.inf2.xlarge", "x86-64"),
        ("endpointInstanceType", "ml.trn1.2xlarge", "x86-64"),
        ("endpointInstanceType", "ml.g4dn.xlarge", "CPUs alone"),
        ("endpointInstanceType", "ml.g4dn.xlarge", "models are served on CPUs, and a GPU would idle"),
        ("endpointInstanceType", "ml.p5.48xlarge", "a GPU would idle"),
        ("endpointTraffic", "at once", "canary or linear"),
        ("capturePercent", 101, "from 0 to 100"),
        ("driftSchedule", "daily", "rate(7 days)"),
        ("driftSchedule", "rate(1 day)", "must be left out, or off, while capturePercent is 0"),
        ("driftStarts", "true", "must be false without a watch on drift"),
        ("driftStarts", "often", "true or false"),
        ("capturePercent", -1, "from 0 to 100"),
        ("endpointInstanceType", "ml.t3.medium", "ml.m5.large"),
        ("evaluationInstanceType", "ml", "ml.m5.large"),
        ("evaluationInstanceType", "ml.m5.huge", "a SageMaker processing instance type"),
        ("evaluationInstanceType", "ml.p4d.24xlarge", "a SageMaker processing instance type"),
        ("managedDebugger", "perhaps", "true or false"),
        ("pollSeconds", -1, "from 10 to 300"),
        ("pollSeconds", 1, "25,000 events"),
        ("name", "team-", "single dashes between"),
        ("name", "a--b", "single dashes between"),
        ("name", "team-audit", "does not end in -audit"),
        ("sourceBuckets", '["s3://b"]', "names of buckets"),
        ("sourceBuckets", '["arn:aws:s3:::bucket"]', "names of buckets"),
        ("sourceBuckets", '[""]', "names of buckets"),
        ("sourceBuckets", '["*"]', "names of buckets"),
        ("sourceBuckets", '["bins*"]', "names of buckets"),
        ("schedule", "rate(1 days)", "rate(7 days)"),
        ("schedule", "rate(2 day)", "rate(7 days)"),
        ("schedule", "rate(0 day)", "a whole number above 0"),
        ("schedule", "rate(1.5 days)", "a whole number above 0"),
        ("schedule", "cron(0 3 * * *)", "six fields"),
        ("schedule", "cron(0 3 * * SUN *)", "one of the two days must be ?"),
        ("schedule", "cron(0 3 ? * ? *)", "one of the two days must be ?"),
        ("schedule", "cron(60 3 ? * SUN *)", "six fields"),
        ("schedule", "cron(*/0 3 ? * SUN *)", "six fields"),
        ("schedule", "cron(0 3 ? * MON/2 *)", "six fields"),
        ("schedule", "at(2026-11-28T08:00:00)", "rate(7 days)"),
    ],
)
def test_a_wrong_value_names_itself_and_what_is_allowed(name: str, value: object, allowed: str) -> None:
    with pytest.raises(InvalidSetting) as error:
        settings(**{name: value})
    assert f"setting {name}:" in str(error.value)
    # Of a list, the entry that is wrong is enough.
    assert str(value).strip("[]") in str(error.value).replace('\\"', '"')
    assert allowed in str(error.value)


def test_no_more_buckets_than_a_functions_environment_holds() -> None:
    assert len(settings(sourceBuckets=[f"bins-{number}" for number in range(20)]).source_buckets) == 20
    with pytest.raises(InvalidSetting, match=r"^setting sourceBuckets: .* a JSON list of 1 to 20 names"):
        settings(sourceBuckets=[f"bins-{number}" for number in range(21)])


def test_a_package_to_promote_is_no_default() -> None:
    with pytest.raises(InvalidSetting, match=r"setting defaults: release\.package was given"):
        settings(defaults={"release": {"package": "previous"}})


def test_the_execution_defaults_are_checked_with_the_execution_inputs_own_contract() -> None:
    with pytest.raises(InvalidSetting, match=r"setting defaults: dataset\.fraction: 3 was given"):
        settings(defaults={"dataset": {"fraction": 3}})


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(InvalidSetting) as error:
        settings(pollSeconds=0, mapConcurrency=0)
    assert len(str(error.value).splitlines()) == 2


def test_objects_may_be_given_as_json_on_the_command_line() -> None:
    given = settings(
        tags='{"team": "vision"}', vpc='{"subnetIds": ["subnet-01234567"], "securityGroupIds": ["sg-01234567"]}'
    )
    assert given.tags == {"team": "vision"}
    assert given.vpc is not None
    assert given.vpc.subnet_ids == ["subnet-01234567"]


@pytest.mark.parametrize(
    "defaults",
    [
        {"dataset": {"fraction": 3}, "seed": -1},
        {"dataset": {"source": "s3://elsewhere"}, "training": {"instanceType": "ml.x9.large"}},
    ],
)
def test_every_sentence_about_the_defaults_names_them(defaults: dict[str, object]) -> None:
    with pytest.raises(InvalidSetting) as error:
        settings(defaults=defaults)
    told = str(error.value).splitlines()
    assert len(told) == 2
    assert all(line.startswith("setting defaults: ") for line in told)


@pytest.mark.parametrize("use", ["endpointInstanceType", "evaluationInstanceType"])
@pytest.mark.parametrize(
    "instance_type", ["ml.m5.large", "ml.c5.2xlarge", "ml.m7i.large", "ml.r5.large", "ml.c6i.xlarge"]
)
def test_cpu_types_serve_and_evaluate(use: str, instance_type: str) -> None:
    assert settings(**{use: instance_type}).model_dump(by_alias=True)[use] == instance_type


@pytest.mark.parametrize(
    ("endpoint", "evaluation"),
    [
        ("ml.m7i.large", "ml.m7i.xlarge"),
        ("ml.c7i.4xlarge", "ml.c7i.xlarge"),
        ("ml.m5.large", "ml.m5.xlarge"),
        ("ml.m5d.large", "ml.m5.xlarge"),
    ],
)
def test_models_are_evaluated_on_the_endpoints_family(endpoint: str, evaluation: str) -> None:
    """Its number format is what the evaluation measures. Of m5d there are no processing jobs."""
    assert settings(endpointInstanceType=endpoint).evaluation_type == evaluation
    assert (
        settings(endpointInstanceType=endpoint, evaluationInstanceType="ml.r5.large").evaluation_type == "ml.r5.large"
    )


@pytest.mark.parametrize(
    ("defaults", "told"),
    [
        ({"dataset": {"source": "s3://elsewhere/bins"}}, r'dataset\.source: "s3://elsewhere/bins" was given'),
        ({"training": {"instanceType": "ml.x9.large"}}, r'training\.instanceType: "ml\.x9\.large" was given'),
        ({"training": {"instanceType": "ml.p4d.24xlarge"}}, "runs processing jobs too"),
        ({"weights": f"s3://bucket/{'w' * 2000}"}, r"20\d\d bytes of JSON were given; must be at most 2000"),
    ],
)
def test_defaults_that_plan_would_refuse_stop_the_synth(defaults: dict[str, object], told: str) -> None:
    with pytest.raises(InvalidSetting, match=f"setting defaults: .*{told}"):
        settings(defaults=defaults)


def test_what_the_managed_debugger_cannot_watch_is_no_default() -> None:
    several = {"training": {"instanceCount": 2, "sharded": True}}
    assert settings(defaults=several)
    with pytest.raises(InvalidSetting, match=r"setting defaults: training\.instanceCount: 2 was given"):
        settings(defaults=several, managedDebugger=True)


@pytest.mark.parametrize(
    ("given_", "told"),
    [
        ({"endpointInstances": 5}, "endpointInstances: 5 was given; must be at most endpointMaxInstances, which is 4"),
        ({"endpointInstances": "2", "endpointMaxInstances": "1"}, "endpointInstances: 2 was given; must be at most"),
    ],
)
def test_more_instances_than_the_maximum_are_refused(given_: dict[str, object], told: str) -> None:
    with pytest.raises(InvalidSetting, match=f"setting {told}"):
        settings(**given_)


def test_burstable_instances_do_not_scale() -> None:
    burstable = {"endpointInstanceType": "ml.t2.medium", "endpointInstances": 2}
    assert settings(**burstable, endpointMaxInstances=2)
    with pytest.raises(
        InvalidSetting, match=r"endpointMaxInstances: 4 was given; must be 2, as endpointInstances, on ml\.t2"
    ):
        settings(**burstable)


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("retaindata", "retainData"),
        ("retain_data", "retainData"),
        ("retain-data", "retainData"),
        ("retain", "retainData"),
        ("Name", "name"),
        ("sourceBucket", "sourceBuckets"),
        ("endpointInstance", "endpointInstances"),
        ("pollSecond", "pollSeconds"),
        ("default", "defaults"),
    ],
)
def test_a_misspelt_setting_is_refused_with_the_one_that_was_meant(key: str, meant: str) -> None:
    with pytest.raises(InvalidSetting, match=f"setting {key}: there is none of this name; did you mean {meant}\\?"):
        settings(**{key: "false"})


def test_the_context_of_cdk_and_libraries_is_theirs() -> None:
    keys = [
        *("@aws-cdk/core:newStyleStackSynthesis", "aws-cdk:enableDiffNoFail", "aws:cdk:enable-path-metadata"),
        *("cdk-migrate", "hosted-zone:account=1:domainName=x", "vpc-provider:account=1", "ssm:account=1"),
        *("availability-zones:account=1:region=us-east-1", "availability-zones:fallback", "ami:account=1"),
        *("acknowledged-issue-numbers", "cli-telemetry", "@acme/retain-data", "acme:name", "team", "stage"),
    ]
    assert settings(**dict.fromkeys(keys, "false")) == DeploymentSettings()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["dataset", "source", "training", "Comment"]) | st.text(), inner, max_size=3)
    ),
    max_leaves=8,
)
setting_names = st.sampled_from([str(field.alias) for field in DeploymentSettings.model_fields.values()])
contexts = st.dictionaries(
    setting_names | st.text(max_size=20), json_values | json_values.map(json.dumps) | st.text(max_size=30), max_size=4
)


class Context:
    """Of a construct's node what settings are read from; CDK itself takes any JSON there."""

    def __init__(self, context: dict[str, object]) -> None:
        self.context = context

    def get_all_context(self) -> dict[str, object]:
        return self.context


@given(contexts)
def test_any_context_is_settings_or_a_sentence(context: dict[str, object]) -> None:
    try:
        chosen = DeploymentSettings.from_context(cast(Node, Context(context)))
    except InvalidSetting:
        return
    assert DeploymentSettings.model_validate(chosen.model_dump(by_alias=True)) == chosen


# Where reading still works, and writing no longer does everywhere.
DEEP = ["[" * depth + "]" * depth for depth in range(850, 990, 20)]


@pytest.mark.parametrize("value", ["[" * 100_000, '{"dataset":' * 100_000, "[NaN]", '{"seed": 1e999}', "\ud800", *DEEP])
@pytest.mark.parametrize("name", ["defaults", "sourceBuckets", "schedule"])
def test_json_that_is_none_is_refused(name: str, value: str) -> None:
    with pytest.raises(InvalidSetting, match=f"^setting {name}: ") as error:
        DeploymentSettings.from_context(cast(Node, Context({name: value})))
    assert len(str(error.value)) < 500


names = st.from_regex(r"[a-z](-?[a-z0-9]){0,19}", fullmatch=True).filter(lambda name: len(name) <= 20)
RUN = "0123456789ab"


@given(names | st.text("ab0-", min_size=1, max_size=21))
def test_every_name_that_is_made_of_an_accepted_one_satisfies_its_service(name: str) -> None:
    try:
        chosen, sagemaker = DeploymentSettings(name=name), service_model("sagemaker")
    except ValidationError:
        return
    kinds = {"compare": "Training", "train": "Training", "features": "Processing", "evaluate": "Processing"}
    jobs = plan.job_names(chosen.job_prefix, RUN)
    made = [
        ("EndpointName", name),
        ("EntityName", f"{name}-0123abcd"),  # the package group
        *((f"{kind}JobName", f"{jobs[job]}-resnet101-60") for job, kind in kinds.items()),
        ("HyperParameterTuningJobName", f"{jobs['tune']}-60"),
        ("ModelName", f"{name.capitalize()}-Endpoint-Model-0123456789AB"),
        ("EndpointConfigName", f"{name.capitalize()}-Endpoint-EndpointConfig-0123456789AB"),
    ]
    for shape, value in made:
        limits = sagemaker.shape_for(shape).metadata
        assert re.fullmatch(limits["pattern"], value), (shape, value)
        assert len(value) <= limits["max"], (shape, value)
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,127}", f"{name.capitalize()}-Observability")  # CloudFormation
    assert re.fullmatch(r"[\w-]{1,80}", name)  # the state machine
    assert re.fullmatch(r"[.\-_/#A-Za-z0-9]{1,512}", f"/aws/vendedlogs/states/{name}")
    assert all(0 < len(alarm) <= 255 for alarm in alarm_names(name, "c" * 63))


@given(names)
def test_the_longest_name_of_a_tuning_job_fits(name: str) -> None:
    job = f"{DeploymentSettings(name=name).job_prefix}-{RUN}-tune-9759"
    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}", job)
    assert len(job) <= 32


@given(names, names)
def test_one_deployments_pattern_of_job_names_is_about_its_own_jobs_alone(one: str, other: str) -> None:
    pattern = DeploymentSettings(name=one).job_names
    assert fnmatch(f"{DeploymentSettings(name=other).job_prefix}-{RUN}-train-0", pattern) is (one == other)


def test_drift_is_watched_where_requests_are_kept() -> None:
    assert settings().watches_drift is None
    assert settings(capturePercent=5).watches_drift == "rate(1 day)"
    assert settings(capturePercent=5, driftSchedule="rate(7 days)").watches_drift == "rate(7 days)"
    assert settings(capturePercent=5, driftSchedule="off").watches_drift is None
    assert settings(driftSchedule="off").watches_drift is None
