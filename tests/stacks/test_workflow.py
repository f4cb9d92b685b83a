"""Who may do what: every role of the workflow has what it needs on what it works on, and no more."""

from collections.abc import Callable
from typing import Any

import pytest

from stacks import images
from stacks.settings import InvalidSetting
from tests.stacks.template import Template, as_list, machine, resources, statements


@pytest.fixture
def workflow(templates: dict[str, Template]) -> Template:
    return templates["Workflow"]


def writes(found: list[dict[str, Any]]) -> list[str]:
    """Patterns of the objects that may be written."""
    resources = [r for s in found if "s3:PutObject" in as_list(s["Action"]) for r in as_list(s["Resource"])]
    return sorted(r["Fn::Join"][1][-1] for r in resources)


@pytest.mark.parametrize(
    ("role", "patterns"),
    [
        ("TrainingRole", ["/checkpoints/*", "/models/*", "/trials/*"]),
        ("FeaturesRole", ["/features/*"]),
        ("EvaluationRole", ["/reports/*"]),
        ("FunctionsPlanRole", ["/datasets/*"]),
        ("FunctionsPackRole", ["/datasets/*"]),
        ("FunctionsStageWeightsRole", ["/weights/*"]),
        ("FunctionsCollectTrialsRole", ["/reports/*"]),
        ("FunctionsApprovalRole", ["/approvals/*"]),
        ("FunctionsSmokeTestRole", []),
    ],
)
def test_each_role_writes_below_its_own_prefixes(workflow: Template, role: str, patterns: list[str]) -> None:
    assert writes(statements(workflow, role)) == patterns


def test_only_the_functions_that_read_the_source_may(workflow: Template) -> None:
    readers = {
        role
        for role in ("Plan", "Catalogue", "Split", "Pack", "Seal", "StageWeights", "CollectTrials", "SmokeTest")
        for s in statements(workflow, f"Functions{role}Role")
        if "s3:GetObject" in as_list(s["Action"]) and "aft-vbi-pds/*" in str(s["Resource"])
    }
    # Plan reads one file to see whether the source can be read unsigned.
    assert readers == {"Plan", "Catalogue", "Pack"}


def test_nothing_writes_to_the_source(workflow: Template) -> None:
    for policy in [*resources(workflow, "AWS::IAM::Role").values(), *resources(workflow, "AWS::IAM::Policy").values()]:
        documents = [p["PolicyDocument"] for p in policy.get("Policies", [])] + [policy.get("PolicyDocument")]
        for statement in [s for d in documents if d for s in d["Statement"]]:
            if "aft-vbi-pds" in str(statement["Resource"]):
                assert set(as_list(statement["Action"])) <= {"s3:GetObject", "s3:ListBucket", "s3:GetBucketLocation"}


def test_job_roles_have_their_statements_from_the_start(workflow: Template) -> None:
    """A policy that is attached to a role later races the first job that uses it."""
    attached = str([policy["Roles"] for policy in resources(workflow, "AWS::IAM::Policy").values()])
    assert "StateMachineRole" in attached
    assert "TrainingRole" not in attached
    assert "FeaturesRole" not in attached
    assert "EvaluationRole" not in attached


def test_the_state_machine_passes_each_role_to_one_service(workflow: Template) -> None:
    passed = {
        s["Condition"]["StringEquals"]["iam:PassedToService"]: str(s["Resource"])
        for s in statements(workflow, "StateMachineRole")
        if s["Action"] == "iam:PassRole"
    }
    assert set(passed) == {"sagemaker.amazonaws.com", "cloudformation.amazonaws.com"}
    for role in ("TrainingRole", "FeaturesRole", "EvaluationRole"):
        assert role in passed["sagemaker.amazonaws.com"]
    assert "UpdateRole" in passed["cloudformation.amazonaws.com"]


@pytest.mark.parametrize(
    ("job", "resource", "rule"),
    [
        ("TrainingJob", "training-job", "TrainingJobsRule"),
        ("ProcessingJob", "processing-job", "ProcessingJobsRule"),
        ("HyperParameterTuningJob", "hyper-parameter-tuning-job", "TuningJobsRule"),
    ],
)
def test_the_state_machine_can_run_a_job_to_its_end(workflow: Template, job: str, resource: str, rule: str) -> None:
    found = statements(workflow, "StateMachineRole")
    actions = {
        action
        for s in found
        if f":{resource}/stocktake-????????????-*" in str(s["Resource"])
        for action in as_list(s["Action"])
    }
    assert {f"sagemaker:{verb}{job}" for verb in ("Create", "Describe", "Stop")} <= actions
    assert {"sagemaker:AddTags", "sagemaker:ListTags"} <= actions
    assert any(
        f"StepFunctionsGetEventsForSageMaker{rule}" in str(s["Resource"])
        for s in found
        if "events:PutRule" in as_list(s["Action"])
    )


@pytest.mark.parametrize(
    ("role", "prefixes"),
    [
        ("TrainingRole", {"datasets", "features", "weights", "models", "checkpoints"}),
        ("FeaturesRole", {"datasets", "weights", "models"}),
        ("EvaluationRole", {"datasets", "models", "reports"}),
        ("FunctionsStageWeightsRole", {"weights"}),
        ("FunctionsPlanRole", {"datasets", "features", "lists", "weights", "models"}),
        ("FunctionsCollectTrialsRole", set()),
    ],
)
def test_each_role_reads_what_it_works_on(workflow: Template, role: str, prefixes: set[str]) -> None:
    patterns = [
        r["Fn::Join"][1][-1]
        for s in statements(workflow, role)
        if "s3:GetObject" in as_list(s["Action"])
        for r in as_list(s["Resource"])
        if "ExportsOutput" in str(r)
    ]
    assert {pattern.strip("/*") for pattern in patterns} == prefixes


def test_collecting_trials_only_looks_at_jobs_of_ours(workflow: Template) -> None:
    asked = {
        s["Action"]: str(s["Resource"])
        for s in statements(workflow, "FunctionsCollectTrialsRole")
        if "sagemaker:" in str(s["Action"])
    }
    assert "hyper-parameter-tuning-job/stocktake-????????????-*" in asked.pop(
        "sagemaker:ListTrainingJobsForHyperParameterTuningJob"
    )
    assert ":training-job/stocktake-????????????-*" in asked.pop("sagemaker:DescribeTrainingJob")
    assert not asked


def test_the_state_machine_marks_features_and_writes_nothing_else(workflow: Template) -> None:
    (statement,) = [s for s in statements(workflow, "StateMachineRole") if "s3:putObject" in as_list(s["Action"])]
    assert statement["Resource"]["Fn::Join"][1][-1] == "/features/*"


def test_the_state_machine_updates_one_stack(workflow: Template) -> None:
    updates = [
        s for s in statements(workflow, "StateMachineRole") if "cloudformation:updateStack" in as_list(s["Action"])
    ]
    assert updates
    for statement in updates:
        assert all("stack/Stocktake-Endpoint/*" in str(r) for r in as_list(statement["Resource"]))


def test_functions_run_where_their_layer_was_built_for(workflow: Template) -> None:
    (layer,) = resources(workflow, "AWS::Lambda::LayerVersion").values()
    for function in resources(workflow, "AWS::Lambda::Function").values():
        assert [function["Runtime"]] == layer["CompatibleRuntimes"]
        assert function["Architectures"] == layer["CompatibleArchitectures"]


def test_images_come_from_the_accounts_registry_of_whatever_region(workflow: Template) -> None:
    (plan,) = [f for f in resources(workflow, "AWS::Lambda::Function").values() if f["Handler"] == "plan.handler"]
    image = plan["Environment"]["Variables"]["TRAINING_IMAGE_GPU"]["Fn::Join"][1]
    assert {"Fn::FindInMap": ["ImageAccounts", {"Ref": "AWS::Region"}, "account"]} in image
    assert image[-1] == "/pytorch:2.13-cu133-amzn2023-sagemaker"
    accounts = workflow["Mappings"]["ImageAccounts"]
    assert accounts["us-east-1"]["account"] == "763104351884"
    assert accounts["eu-south-1"]["account"] == "692866216735"


def test_the_serving_image_is_a_fixed_version(workflow: Template) -> None:
    # `-v1` moves on with every release; `-v1.4` does not
    definition = str(resources(workflow, "AWS::StepFunctions::StateMachine"))
    assert "/ray:serve-ml-sagemaker-cpu-v1.4" in definition


def test_a_region_without_the_images_is_refused_with_those_that_have_them() -> None:
    images.check_region("eu-west-1")
    with pytest.raises(InvalidSetting, match=r"region eu-nowhere-1: .* us-west-2"):
        images.check_region("eu-nowhere-1")


def test_models_outlive_the_stack(workflow: Template) -> None:
    (group,) = [r for r in workflow["Resources"].values() if r["Type"] == "AWS::SageMaker::ModelPackageGroup"]
    assert group["DeletionPolicy"] == "Retain"
    # ... and the next deployment does not find its name taken.
    assert "AWS::StackId" in str(group["Properties"]["ModelPackageGroupName"])


def test_a_schedule_starts_executions_with_the_defaults(
    templates: dict[str, Template], synthesize: Callable[..., dict[str, Template]]
) -> None:
    def schedules(template: Template) -> list[dict[str, Any]]:
        return [rule for rule in resources(template, "AWS::Events::Rule").values() if "ScheduleExpression" in rule]

    assert not schedules(templates["Workflow"])
    (rule,) = schedules(synthesize(schedule="rate(7 days)")["Workflow"])
    assert rule["ScheduleExpression"] == "rate(7 days)"
    assert rule["Targets"][0]["Input"] == "{}"


def test_a_decision_in_the_registry_reaches_the_function_that_answers(workflow: Template) -> None:
    (group,) = resources(workflow, "AWS::SageMaker::ModelPackageGroup").values()
    (rule,) = resources(workflow, "AWS::Events::Rule").values()
    # every decision on a package of this deployment's own group, and no other event
    assert rule["EventPattern"] == {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {
            "ModelPackageGroupName": [group["ModelPackageGroupName"]],
            "ModelApprovalStatus": ["Approved", "Rejected"],
        },
    }
    (target,) = rule["Targets"]
    (permission,) = resources(workflow, "AWS::Lambda::Permission").values()
    assert target["Arn"] == permission["FunctionName"]
    assert "FunctionsApproval" in str(target["Arn"])
    # ... and only this rule may invoke it
    assert permission["Principal"] == "events.amazonaws.com"
    assert permission["SourceArn"]["Fn::GetAtt"][0] in resources(workflow, "AWS::Events::Rule")


def test_the_state_machine_may_invoke_the_function_that_keeps_its_token(workflow: Template) -> None:
    """CDK knows nothing of a CustomState's needs."""
    (statement,) = [s for s in statements(workflow, "StateMachineRole") if s.get("Sid") == "AskForApproval"]
    (rule,) = resources(workflow, "AWS::Events::Rule").values()
    assert statement["Action"] == "lambda:InvokeFunction"
    assert statement["Resource"] == rule["Targets"][0]["Arn"]


def test_who_answers_an_execution_reads_the_registry_and_decides_nothing(workflow: Template) -> None:
    actions = {a for s in statements(workflow, "FunctionsApprovalRole") for a in as_list(s["Action"])}
    assert {action for action in actions if action.startswith(("sagemaker:", "states:"))} == {
        "sagemaker:DescribeModelPackage",
        "states:SendTaskSuccess",
    }


def test_turns_go_with_the_stack(workflow: Template) -> None:
    """One that outlived the machine would name an execution that nobody can look at."""
    (table,) = [r for r in workflow["Resources"].values() if r["Type"] == "AWS::DynamoDB::Table"]
    assert table["DeletionPolicy"] == "Delete"
    assert table["Properties"]["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]


def test_the_state_machines_permissions_fit_into_its_own_policies(workflow: Template) -> None:
    """What does not fit CDK puts into a managed policy, which none of these tests and no reader looks at."""
    assert not resources(workflow, "AWS::IAM::ManagedPolicy")


def test_failed_executions_raise_an_alarm_that_reaches_the_topic(templates: dict[str, Template]) -> None:
    template = templates["Observability"]
    (alarm,) = resources(template, "AWS::CloudWatch::Alarm").values()
    (topic,) = resources(template, "AWS::SNS::Topic")
    assert alarm["AlarmActions"] == [{"Ref": topic}]
    assert {m["MetricStat"]["Metric"]["MetricName"] for m in alarm["Metrics"] if "MetricStat" in m} == {
        "ExecutionsFailed",
        "ExecutionsTimedOut",
    }
    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == (3, 1)
    # The machine is named here and made there: the names have to agree.
    assert f":stateMachine:{machine(templates['Workflow'])['StateMachineName']}" in str(alarm["Metrics"])


def test_an_update_of_the_endpoint_without_the_update_role_is_denied(workflow: Template) -> None:
    """CloudFormation would use the role of the last `cdk deploy`, an administrator's."""
    [denied] = [s for s in statements(workflow, "StateMachineRole") if s["Effect"] == "Deny"]
    assert denied["Action"] == "cloudformation:UpdateStack"
    [(key, role)] = denied["Condition"]["StringNotEquals"].items()
    assert key == "cloudformation:RoleArn"
    assert "UpdateRole" in str(role)


@pytest.mark.parametrize("role", ["TrainingRole", "FeaturesRole", "EvaluationRole", "AuditJobRole"])
def test_jobs_list_only_what_they_read(workflow: Template, role: str) -> None:
    listing = [s for s in statements(workflow, role) if "s3:ListBucket" in as_list(s["Action"])]
    assert listing
    # Of a photo that is missing in the source an audit must learn that it is.
    for statement in (one for one in listing if one.get("Sid") != "FindBins"):
        [prefixes] = statement["Condition"].values()
        assert "*" not in as_list(prefixes["s3:prefix"])


def test_the_state_machine_reads_lists_of_items_and_no_photos(workflow: Template) -> None:
    policies = resources(workflow, "AWS::IAM::Policy").values()
    read = [
        resource
        for policy in policies
        for s in policy["PolicyDocument"]["Statement"]
        if s["Effect"] == "Allow" and "s3:GetObject" in as_list(s["Action"])
        for resource in as_list(s["Resource"])
    ]
    assert read
    assert all(str(resource).endswith(("/audits/*']]}", "/datasets/*']]}", "/reports/*']]}")) for resource in read), (
        read
    )


def test_the_execution_log_repeats_no_states_data(workflow: Template) -> None:
    """It is in the execution's own history; a log is kept elsewhere, by other people, for longer."""
    for logged in resources(workflow, "AWS::StepFunctions::StateMachine").values():
        assert logged["LoggingConfiguration"]["IncludeExecutionData"] is False
        assert logged["LoggingConfiguration"]["Level"] == "ALL"
