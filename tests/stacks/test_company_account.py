"""What the rules of a company's account ask for: every setting alone does its work, and all of them fit together."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rehearsal.aws.service_models import service_model
from rehearsal.aws.stepfunctions.jsonata import evaluate
from stacks.company.encryption import has_local_storage
from tests.stacks.context import BOUNDARY, COMPANY, KEY, VPC
from tests.stacks.template import Template, as_list, machine_definition, resources, statements, walk

Synthesize = Callable[..., dict[str, Template]]

NETWORK = {"SecurityGroupIds": VPC["securityGroupIds"], "Subnets": VPC["subnetIds"]}
LOCAL_DISKS = ("ml.g4dn.xlarge", "ml.g5.2xlarge", "ml.p4d.24xlarge", "ml.m5d.large", "ml.r7gd.xlarge")
VOLUMES = ("ml.m5.xlarge", "ml.c5.2xlarge", "ml.p3.2xlarge", "ml.m7i.large")
JOBS = ("createTrainingJob", "createProcessingJob", "createHyperParameterTuningJob")


@pytest.fixture(scope="module")
def company(synthesize: Synthesize) -> dict[str, Template]:
    """With every setting: cdk-nag has nothing to say, or there were no templates."""
    return synthesize(**COMPANY)


def every(templates: dict[str, Template], type: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, template in templates.items():
        for logical_id, resource in template["Resources"].items():
            if resource["Type"] == type:
                yield f"{name} {logical_id}", resource.get("Properties", {})


def jobs(templates: dict[str, Template]) -> dict[str, dict[str, Any]]:
    """Arguments of every state that starts a job."""
    workflow = templates["Workflow"]
    states = walk(machine_definition(workflow)) | walk(machine_definition(workflow, audit=True))
    return {
        name: state["Arguments"]
        for name, state in states.items()
        if any(f":sagemaker:{job}" in state.get("Resource", "") for job in JOBS)
    }


def training(arguments: dict[str, Any]) -> dict[str, Any]:
    """The training job's part of a tuning job, or the job itself."""
    found: dict[str, Any] = arguments.get("TrainingJobDefinition", arguments)
    return found


def test_without_them_nothing_of_them_is_in_the_templates(templates: dict[str, Template]) -> None:
    text = json.dumps(templates)
    for field in ("PermissionsBoundary", "VpcConfig", "KmsKeyId", "KmsMasterKeyId", "LogFilePrefix", "kms:"):
        assert not re.search(rf'"{field}|{field}:', text.replace("\\", "")), field
    assert all(role.get("Path") is None for _, role in every(templates, "AWS::IAM::Role"))


def test_every_role_has_the_boundary_and_the_path(company: dict[str, Template]) -> None:
    found = dict(every(company, "AWS::IAM::Role"))
    # ... those of CDK's own function that empties the bucket among them
    assert any("CustomS3AutoDelete" in name for name in found)
    for name, role in found.items():
        assert (role.get("PermissionsBoundary"), role.get("Path")) == (BOUNDARY, "/teams/vision/"), name


def test_a_boundary_may_be_the_name_of_a_policy_of_the_account(synthesize: Synthesize) -> None:
    for _, role in every(synthesize(permissionsBoundary="company-boundary"), "AWS::IAM::Role"):
        joined = "".join(part if isinstance(part, str) else "x" for part in role["PermissionsBoundary"]["Fn::Join"][1])
        assert joined == "arn:x:iam::x:policy/company-boundary"


def test_functions_jobs_and_the_model_run_in_the_network(company: dict[str, Template]) -> None:
    functions = resources(company["Workflow"], "AWS::Lambda::Function")
    assert functions
    for name, function in functions.items():
        network = {"SecurityGroupIds": VPC["securityGroupIds"], "SubnetIds": VPC["subnetIds"]}
        assert function["VpcConfig"] == network, name
    started = jobs(company)
    assert len(started) >= 4
    for name, arguments in started.items():
        in_network = arguments.get("NetworkConfig") or training(arguments)
        assert in_network["VpcConfig"] == NETWORK, name
        # The audit's job alone reads S3 itself.
        assert (in_network.get("EnableNetworkIsolation") is False) is (name == "Count bins"), name
    [(_, model)] = every(company, "AWS::SageMaker::Model")
    assert model["VpcConfig"] == NETWORK
    # ... whose interfaces are made in their roles
    for role in ("FunctionsPlanRole", "FunctionsPackRole", "TrainingRole", "FeaturesRole", "EvaluationRole"):
        assert "ec2:CreateNetworkInterface" in actions(company["Workflow"], role), role
    assert "ec2:CreateNetworkInterfacePermission" in actions(company["Endpoint"], "EndpointRole")


def actions(template: Template, role: str) -> set[str]:
    return {action for statement in statements(template, role) for action in as_list(statement["Action"])}


def test_what_is_kept_is_encrypted_with_the_key(company: dict[str, Template]) -> None:
    [(_, bucket)] = every(company, "AWS::S3::Bucket")
    [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}
    [(_, topic)] = every(company, "AWS::SNS::Topic")
    assert topic["KmsMasterKeyId"] == KEY
    for name, group in every(company, "AWS::Logs::LogGroup"):
        assert group["KmsKeyId"] == KEY, name
    [(_, config)] = every(company, "AWS::SageMaker::EndpointConfig")
    assert (config["KmsKeyId"], config["DataCaptureConfig"]["KmsKeyId"]) == (KEY, KEY)
    for name, arguments in jobs(company).items():
        outputs = arguments.get("ProcessingOutputConfig") or training(arguments)["OutputDataConfig"]
        assert outputs["KmsKeyId"] == KEY, name


@pytest.mark.parametrize(("types", "key"), [(VOLUMES, KEY), (LOCAL_DISKS, None)])
def test_a_jobs_volume_has_the_key_where_sagemaker_takes_one(
    company: dict[str, Template], types: tuple[str, ...], key: str | None
) -> None:
    for name, arguments in jobs(company).items():
        machines = (
            arguments.get("ProcessingResources", {}).get("ClusterConfig") or training(arguments)["ResourceConfig"]
        )
        assert isinstance(machines, str), name
        if "$run.trainingInstanceType" not in machines:
            continue
        for type in types:
            run = {"trainingInstanceType": type, "input": {"training": {"instanceCount": 2}}}
            found = evaluate(machines.removeprefix("{%").removesuffix("%}"), {"run": run})
            assert (found["InstanceType"], found["InstanceCount"]) == (type, 2)
            assert found.get("VolumeKmsKeyId") == key, (name, type)


def test_every_instance_type_with_local_disks_is_known() -> None:
    """The families that AWS's documentation names, among all that SageMaker has for jobs and endpoints."""
    names = {
        str(name)
        for shape in ("TrainingInstanceType", "ProcessingInstanceType", "ProductionVariantInstanceType")
        for name in service_model("sagemaker").shape_for(shape).metadata["enum"]
    }
    local = {name.split(".")[1] for name in names if has_local_storage(name)}
    assert {"m5d", "r5d", "g4dn", "g5", "g6", "g6e", "p3dn", "p4d", "p4de", "p5", "trn1"} <= local
    assert not local & {"m4", "m5", "m6i", "m7i", "c4", "c5", "c5n", "c6i", "c7i", "r5", "r7i", "t3", "p2", "p3"}


def test_an_endpoint_on_local_disks_has_no_key_of_its_volume(synthesize: Synthesize) -> None:
    templates = synthesize(kmsKey=KEY, endpointInstanceType="ml.m5d.large")
    [(_, config)] = every(templates, "AWS::SageMaker::EndpointConfig")
    assert "KmsKeyId" not in config


def test_whoever_reads_or_starts_something_may_use_the_key(company: dict[str, Template]) -> None:
    workflow = company["Workflow"]
    for role in ("FunctionsPlanRole", "FunctionsPackRole", "TrainingRole", "EvaluationRole", "StateMachineRole"):
        assert actions(workflow, role) >= {"kms:Decrypt", "kms:GenerateDataKey"}, role
    # ... and who does neither may not
    assert "kms:Decrypt" not in actions(workflow, "FunctionsEstimateCostRole")
    for template, role in ((workflow, "StateMachineRole"), (company["Endpoint"], "UpdateRole")):
        [grant] = [s for s in statements(template, role) if "kms:CreateGrant" in as_list(s["Action"])]
        assert grant["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": "true"}}
        assert grant["Resource"] == KEY


def test_access_to_the_bucket_is_logged_where_the_setting_says(company: dict[str, Template]) -> None:
    [(_, bucket)] = every(company, "AWS::S3::Bucket")
    assert bucket["LoggingConfiguration"] == {
        "DestinationBucketName": "company-access-logs",
        "LogFilePrefix": "stocktake/",
    }


def test_tags_are_on_what_is_deployed_and_on_what_executions_start(company: dict[str, Template]) -> None:
    tag = {"Key": "team", "Value": "vision"}
    for type in ("AWS::S3::Bucket", "AWS::IAM::Role", "AWS::Lambda::Function", "AWS::SageMaker::Endpoint"):
        for name, resource in every(company, type):
            # What CDK brings itself has its stack's tags.
            assert "CustomResourceProvider" in name or tag in resource["Tags"], name
    for name, arguments in jobs(company).items():
        assert tag in arguments["Tags"], name


def test_who_updates_the_endpoint_may_tag_all_of_it(company: dict[str, Template]) -> None:
    [(_, target)] = every(company, "AWS::ApplicationAutoScaling::ScalableTarget")
    allowed = actions(company["Endpoint"], "UpdateRole")
    assert "sagemaker:AddTags" in allowed
    assert ("application-autoscaling:TagResource" in allowed) == ("Tags" in target)


def test_logs_are_kept_as_long_as_the_setting_says(company: dict[str, Template]) -> None:
    groups = dict(every(company, "AWS::Logs::LogGroup"))
    assert {group["RetentionInDays"] for group in groups.values()} == {90}
    assert any("ExecutionLogs" in name for name in groups)
