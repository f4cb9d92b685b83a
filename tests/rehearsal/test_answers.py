"""What the emulated AWS does not have, or a service forbids, is refused in the service's protocol and words."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.aws import constraints
from rehearsal.aws.service_models import service_model
from tests.rehearsal.emulator import Emulator
from tests.rehearsal.machines import single

ARN = "arn:aws:states:us-east-1:123456789012:execution:machine:name"

CALLS: dict[str, tuple[str, Callable[[Any], Any], str, str]] = {
    "JSON": ("stepfunctions", lambda c: c.redrive_execution(executionArn=ARN), "UnknownOperationException", "Redrive"),
    "JSON of a service by metrics": ("cloudwatch", lambda c: c.list_metric_streams(), "UnknownOperationException", "L"),
    "an unknown address": ("lambda", lambda c: c.list_code_signing_configs(), "UnknownOperationException", "ListCode"),
    "query": ("cloudformation", lambda c: c.describe_organizations_access(), "InvalidAction", "DescribeOrganizations"),
    "a service without a backend": (
        "pricing",
        lambda c: c.describe_services(),
        "UnknownOperationException",
        "Describe",
    ),
    "an unknown service": ("bedrock", lambda c: c.list_guardrails(), "UnknownOperationException", "ListGuardrails"),
}


@pytest.mark.parametrize(("service", "call", "code", "operation"), CALLS.values(), ids=CALLS)
def test_an_operation_that_is_not_emulated_is_refused_by_name(
    aws: Emulator, service: str, call: Callable[[Any], Any], code: str, operation: str
) -> None:
    # Given an operation that nothing here answers, Then its client raises AWS's error, with a sentence that names it.
    with pytest.raises(ClientError) as refused:
        call(aws.client(service))
    assert refused.value.response["Error"]["Code"] == code
    assert f"The rehearsal does not have the operation {operation}" in refused.value.response["Error"]["Message"]
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


KEY: dict[str, Any] = {
    "AttributeDefinitions": [{"AttributeName": "x" * 256, "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/any/1"
TARGET = {"ServiceNamespace": "sagemaker", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}
SECRET = "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"
FORBIDDEN: dict[str, tuple[str, Callable[[Any], Any], str, str]] = {
    "a scalable resource": (
        "application-autoscaling",
        lambda c: c.register_scalable_target(**TARGET | {"ResourceId": f"endpoint/{'x' * 1600}/variant/any"}),
        "ValidationException",
        "at 'resourceId' failed to satisfy constraint: Member must have length less than or equal to 1600",
    ),
    "a table's key": (
        "dynamodb",
        lambda c: c.create_table(TableName="table", KeySchema=[{"AttributeName": "x" * 256, "KeyType": "HASH"}], **KEY),
        "ValidationException",
        "at 'keySchema.1.member.attributeName' failed to satisfy constraint: Member must have length less than or",
    ),
    "a rule's name": (
        "events",
        lambda c: c.put_rule(Name="a rule", ScheduleExpression="rate(1 day)"),
        "ValidationException",
        "Value 'a rule' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern",
    ),
    "a log group's name": (
        "logs",
        lambda c: c.create_log_group(logGroupName="a group"),
        "InvalidParameterException",
        "Value 'a group' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression",
    ),
    "a tag's sign": (
        "sagemaker",
        lambda c: c.create_model_package_group(ModelPackageGroupName="any", Tags=[{"Key": "team", "Value": "a,b"}]),
        "ValidationException",
        "Value 'a,b' at 'tags.1.member.value' failed to satisfy constraint: Member must satisfy regular expression",
    ),
    "two lines": (
        "sagemaker",
        lambda c: c.update_model_package(ModelPackageArn=PACKAGE, ApprovalDescription="one line\nand another"),
        "ValidationException",
        "at 'approvalDescription' failed to satisfy constraint: Member must satisfy regular expression pattern: .*",
    ),
    "a secret's name": ("secretsmanager", lambda c: c.create_secret(Name="a secret"), "ValidationException", SECRET),
}


@pytest.mark.parametrize(("service", "call", "code", "sentence"), FORBIDDEN.values(), ids=FORBIDDEN)
def test_a_value_that_a_service_forbids_is_refused(
    aws: Emulator, service: str, call: Callable[[Any], Any], code: str, sentence: str
) -> None:
    # Given a value that moto takes and AWS does not, Then the client raises the service's own error.
    with pytest.raises(ClientError) as refused:
        call(aws.client(service))
    assert refused.value.response["Error"]["Code"] == code
    assert sentence in refused.value.response["Error"]["Message"]


def test_letters_of_every_script_are_a_tags(aws: Emulator) -> None:
    # Given signs that the services' patterns name by their Unicode class, Then they can be read again.
    sagemaker = aws.client("sagemaker")
    tags = [{"Key": "Lager größe", "Value": "倉庫 _.:/=+-@ 7"}]
    arn = sagemaker.create_model_package_group(ModelPackageGroupName="letters", Tags=tags)["ModelPackageGroupArn"]
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == tags


def test_a_secret_of_a_good_name_is_kept(aws: Emulator) -> None:
    # Given every sign that a secret's name may have, Then it can be read by that name.
    secrets = aws.client("secretsmanager")
    secrets.create_secret(Name="aB1-/_+=.@!", SecretString="any")
    assert secrets.get_secret_value(SecretId="aB1-/_+=.@!")["SecretString"] == "any"


@pytest.mark.parametrize(
    "service", ["sagemaker", "application-autoscaling", "dynamodb", "events", "logs", "stepfunctions"]
)
def test_every_pattern_of_a_service_can_be_checked(service: str) -> None:
    # Given patterns in Java's dialect, Then none is passed over.
    model = service_model(service)
    shapes = [model.shape_for(name) for name in model.shape_names]
    patterns = [shape.metadata["pattern"] for shape in shapes if "pattern" in shape.metadata]
    assert patterns
    for pattern in patterns:
        assert constraints.compiled(pattern)


def test_a_forbidden_value_fails_a_task_as_aws_recorded_it(aws: Emulator) -> None:
    # Given a task that creates a secret whose name has a space, Then it fails by the error and the cause of AWS.
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:secretsmanager:createSecret",
        "Arguments": {"Name": "Invalid Name", "SecretString": "HelloWorld"},
        "End": True,
    }
    failed = aws.execute(single(task))
    assert failed.get("error") == "SecretsManager.SecretsManagerException", failed
    assert failed["cause"].startswith(f"{SECRET} (Service: SecretsManager, Status Code: 400, Request ID: ")


def test_a_failure_of_the_emulator_says_what_failed(aws: Emulator) -> None:
    # Given a request that cannot be understood, Then the answer is an error in the service's protocol and no page.
    signed = "AWS4-HMAC-SHA256 Credential=rehearsal/20260101/us-east-1/sagemaker/aws4_request"
    headers = {"Authorization": signed, "X-Amz-Target": "SageMaker.DescribeModel", "Content-Type": "x-amz-json-1.1"}
    request = urllib.request.Request(aws.endpoint_url, data=b"[1", headers=headers)
    with pytest.raises(urllib.error.HTTPError) as failed:
        urllib.request.urlopen(request)
    assert failed.value.code == 500
    assert failed.value.headers["x-amzn-errortype"] == "InternalFailure"
    assert b"The rehearsal failed at DescribeModel" in failed.value.read()
