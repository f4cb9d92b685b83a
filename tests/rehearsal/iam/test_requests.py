"""From the requests that AWS's own SDK makes to the permissions that they need."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from rehearsal.aws.iam.requests import Call, Need, needs

PLACE = "us-east-1:123456789012"
ROLE = "arn:aws:iam::123456789012:role/path/worker"
FUNCTION = f"arn:aws:lambda:{PLACE}:function:plan"
MACHINE = f"arn:aws:states:{PLACE}:stateMachine:stocktake"
ENDPOINT = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/stocktake/variant/live",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}


def needs_of(service: str, operation: str, **parameters: Any) -> list[Need]:
    """What the request that boto3 makes of a call needs."""
    seen: list[Call] = []

    def keep(request: Any, **_: Any) -> AWSResponse:
        url = urlsplit(request.url)
        headers = {name.title(): _text(value) for name, value in request.headers.items()}
        body = (
            request.body
            if isinstance(request.body, bytes)
            else (request.body or "").encode()
            if isinstance(request.body, str)
            else b""
        )
        seen.append(Call(request.method, url.path, url.query, url.netloc, headers, body))
        raise _Kept

    client = boto3.client(
        service,
        region_name="us-east-1",
        aws_access_key_id="k",
        aws_secret_access_key="s",
        endpoint_url="http://localhost:5000",
        config=Config(retries={"max_attempts": 0}, parameter_validation=False, s3={"addressing_style": "path"}),
    )
    client.meta.events.register("before-send", keep)
    with pytest.raises(_Kept):
        getattr(client, operation)(**parameters)
    [call] = seen
    signature = call.signature
    assert signature is not None
    return list(needs(call, signature[2], signature[1]))


class _Kept(BaseException):
    """The request was seen and is not sent."""


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "expected"),
    [
        ("s3", "get_object", {"Bucket": "b", "Key": "a/x y.jpg"}, [("s3:GetObject", "arn:aws:s3:::b/a/x y.jpg")]),
        (
            "dynamodb",
            "update_item",
            {"TableName": "turns", "Key": {"id": {"S": "turn"}}},
            [("dynamodb:UpdateItem", f"arn:aws:dynamodb:{PLACE}:table/turns")],
        ),
        # Whoever has the token may answer: no policy can name whose it is.
        ("stepfunctions", "send_task_success", {"taskToken": "t", "output": "{}"}, [("states:SendTaskSuccess", "*")]),
        ("s3", "head_object", {"Bucket": "b", "Key": "k"}, [("s3:GetObject", "arn:aws:s3:::b/k")]),
        ("s3", "put_object", {"Bucket": "b", "Key": "k", "Body": b"1"}, [("s3:PutObject", "arn:aws:s3:::b/k")]),
        ("s3", "delete_object", {"Bucket": "b", "Key": "k"}, [("s3:DeleteObject", "arn:aws:s3:::b/k")]),
        ("s3", "list_objects_v2", {"Bucket": "b", "Prefix": "a/"}, [("s3:ListBucket", "arn:aws:s3:::b")]),
        ("s3", "head_bucket", {"Bucket": "b"}, [("s3:ListBucket", "arn:aws:s3:::b")]),
        ("s3", "get_bucket_location", {"Bucket": "b"}, [("s3:GetBucketLocation", "arn:aws:s3:::b")]),
        ("s3", "put_bucket_policy", {"Bucket": "b", "Policy": "{}"}, [("s3:PutBucketPolicy", "arn:aws:s3:::b")]),
        (
            "s3",
            "copy_object",
            {"Bucket": "b", "Key": "k", "CopySource": {"Bucket": "c", "Key": "l"}},
            [("s3:PutObject", "arn:aws:s3:::b/k"), ("s3:GetObject", "arn:aws:s3:::c/l")],
        ),
        (
            "s3",
            "delete_objects",
            {"Bucket": "b", "Delete": {"Objects": [{"Key": "k"}, {"Key": "l", "VersionId": "1"}]}},
            [("s3:DeleteObject", "arn:aws:s3:::b/k"), ("s3:DeleteObjectVersion", "arn:aws:s3:::b/l")],
        ),
        ("s3", "create_multipart_upload", {"Bucket": "b", "Key": "k"}, [("s3:PutObject", "arn:aws:s3:::b/k")]),
        (
            "cloudwatch",
            "delete_alarms",
            {"AlarmNames": ["a", "b"]},
            [("cloudwatch:DeleteAlarms", f"arn:aws:cloudwatch:{PLACE}:alarm:{name}") for name in "ab"],
        ),
        ("cloudwatch", "describe_alarms", {}, [("cloudwatch:DescribeAlarms", "*")]),
        ("lambda", "invoke", {"FunctionName": FUNCTION}, [("lambda:InvokeFunction", FUNCTION)]),
        (
            "lambda",
            "invoke",
            {"FunctionName": "plan", "Qualifier": "3"},
            [("lambda:InvokeFunction", f"{FUNCTION}:3")],
        ),
        (
            "lambda",
            "create_function",
            {"FunctionName": "plan", "Role": ROLE, "Code": {}},
            [("lambda:CreateFunction", FUNCTION), ("iam:PassRole", ROLE)],
        ),
        (
            "sagemaker",
            "create_training_job",
            {"TrainingJobName": "t-1", "RoleArn": ROLE, "Tags": [{"Key": "a", "Value": "b"}]},
            [
                ("sagemaker:CreateTrainingJob", f"arn:aws:sagemaker:{PLACE}:training-job/t-1"),
                ("sagemaker:AddTags", f"arn:aws:sagemaker:{PLACE}:training-job/t-1"),
                ("iam:PassRole", ROLE),
            ],
        ),
        (
            "sagemaker",
            "create_hyper_parameter_tuning_job",
            {"HyperParameterTuningJobName": "h-1", "TrainingJobDefinition": {"RoleArn": ROLE}},
            [
                (
                    "sagemaker:CreateHyperParameterTuningJob",
                    f"arn:aws:sagemaker:{PLACE}:hyper-parameter-tuning-job/h-1",
                ),
                ("iam:PassRole", ROLE),
            ],
        ),
        (
            "sagemaker",
            "update_endpoint",
            {"EndpointName": "stocktake", "EndpointConfigName": "c-1"},
            [
                ("sagemaker:UpdateEndpoint", f"arn:aws:sagemaker:{PLACE}:endpoint/stocktake"),
                ("sagemaker:UpdateEndpoint", f"arn:aws:sagemaker:{PLACE}:endpoint-config/c-1"),
            ],
        ),
        ("sagemaker", "list_training_jobs", {}, [("sagemaker:ListTrainingJobs", "*")]),
        (
            "sagemaker-runtime",
            "invoke_endpoint",
            {"EndpointName": "stocktake", "Body": b"1"},
            [("sagemaker:InvokeEndpoint", f"arn:aws:sagemaker:{PLACE}:endpoint/stocktake")],
        ),
        ("stepfunctions", "start_execution", {"stateMachineArn": MACHINE}, [("states:StartExecution", MACHINE)]),
        (
            "stepfunctions",
            "create_state_machine",
            {"name": "stocktake", "roleArn": ROLE, "definition": "{}"},
            [("states:CreateStateMachine", MACHINE), ("iam:PassRole", ROLE)],
        ),
        (
            "cloudformation",
            "update_stack",
            {"StackName": f"arn:aws:cloudformation:{PLACE}:stack/S/id", "RoleARN": ROLE},
            [("cloudformation:UpdateStack", f"arn:aws:cloudformation:{PLACE}:stack/S/id"), ("iam:PassRole", ROLE)],
        ),
        (
            "sns",
            "publish",
            {"TopicArn": f"arn:aws:sns:{PLACE}:t", "Message": "m"},
            [("sns:Publish", f"arn:aws:sns:{PLACE}:t")],
        ),
        (
            "logs",
            "create_log_stream",
            {"logGroupName": "/a/b", "logStreamName": "s"},
            [("logs:CreateLogStream", f"arn:aws:logs:{PLACE}:log-group:/a/b:log-stream:s")],
        ),
        ("iam", "get_role", {"RoleName": "worker"}, [("iam:GetRole", "arn:aws:iam::123456789012:role/worker")]),
        ("sts", "assume_role", {"RoleArn": ROLE, "RoleSessionName": "s"}, [("sts:AssumeRole", ROLE)]),
        ("sts", "get_caller_identity", {}, []),
        ("ssm", "get_parameter", {"Name": "/cdk/v"}, [("ssm:GetParameter", f"arn:aws:ssm:{PLACE}:parameter/cdk/v")]),
        (
            "application-autoscaling",
            "register_scalable_target",
            ENDPOINT,
            [
                ("application-autoscaling:RegisterScalableTarget", "*"),
                ("sagemaker:DescribeEndpoint", f"arn:aws:sagemaker:{PLACE}:endpoint/stocktake"),
                ("sagemaker:DescribeEndpointConfig", f"arn:aws:sagemaker:{PLACE}:endpoint-config/stocktake"),
                ("sagemaker:UpdateEndpointWeightsAndCapacities", f"arn:aws:sagemaker:{PLACE}:endpoint/stocktake"),
            ],
        ),
    ],
)
def test_a_call_needs(
    service: str, operation: str, parameters: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    found = [(need.action, need.resource) for need in needs_of(service, operation, **parameters)]
    assert sorted(found) == sorted(expected)


def test_the_keys_that_policies_ask_for_are_in_the_context() -> None:
    listed = needs_of("s3", "list_objects_v2", Bucket="b", Prefix="datasets/")
    assert listed[0].context["s3:prefix"] == ["datasets/"]
    updated = needs_of("cloudformation", "update_stack", StackName="S", RoleARN=ROLE)
    assert updated[0].context["cloudformation:rolearn"] == [ROLE]
    [passed] = [need for need in updated if need.action == "iam:PassRole"]
    assert passed.context["iam:passedtoservice"] == ["cloudformation.amazonaws.com"]


def test_a_model_package_is_looked_up_with_the_callers_permissions() -> None:
    container = {
        "Image": "763104351884.dkr.ecr.us-east-1.amazonaws.com/ray:v1",
        "ModelDataUrl": "s3://b/models/m.tar.gz",
    }
    found = {
        (need.action, need.resource)
        for need in needs_of(
            "sagemaker",
            "create_model_package",
            ModelPackageGroupName="g",
            InferenceSpecification={"Containers": [container]},
        )
    }
    repository = "arn:aws:ecr:us-east-1:763104351884:repository/ray"
    assert {("ecr:BatchGetImage", repository), ("s3:ListBucket", "arn:aws:s3:::b")} <= found
    assert ("sagemaker:CreateModelPackage", f"arn:aws:sagemaker:{PLACE}:model-package/g/1") in found
