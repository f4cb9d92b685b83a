"""A call is allowed by policies or denied in AWS's words, through the emulated AWS's own door."""

from __future__ import annotations

import json
import uuid
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from emulator import Emulator

ACCOUNT = "123456789012"
TRUST = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}


class Role:
    """A role of the emulated AWS, and clients that act in it."""

    def __init__(self, aws: Emulator, *statements: dict[str, Any], trust: dict[str, Any] = TRUST) -> None:
        self.name = f"role-{uuid.uuid4().hex[:8]}"
        self.arn = f"arn:aws:iam::{ACCOUNT}:role/{self.name}"
        self._aws, self._iam = aws, aws.client("iam")
        self._iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
        self.allow(*statements)

    def allow(self, *statements: dict[str, Any]) -> None:
        if not statements:
            return
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        self._iam.put_role_policy(RoleName=self.name, PolicyName="work", PolicyDocument=document)

    def client(self, service: str) -> Any:
        given = self._aws.client("sts").assume_role(RoleArn=self.arn, RoleSessionName="me")["Credentials"]
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self._aws.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
            config=Config(retries={"max_attempts": 0}),
        )


def allow(action: str, resource: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


@pytest.fixture
def bucket(aws: Emulator) -> str:
    name = f"bucket-{uuid.uuid4().hex[:8]}"
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="a/k", Body=b"1")
    return name


def denial(call: Any, **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as denied:
        call(**parameters)
    return denied.value.response["Error"]["Code"], denied.value.response["Error"].get("Message", "")


def test_a_denial_names_who_what_and_why(aws: Emulator, bucket: str) -> None:
    role = Role(aws)
    code, message = denial(role.client("s3").get_object, Bucket=bucket, Key="a/k")
    assert code == "AccessDenied"
    assert message == (
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/{role.name}/me is not authorized to perform: s3:GetObject on "
        f"resource: arn:aws:s3:::{bucket}/a/k because no identity-based policy allows the s3:GetObject action"
    )


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "code"),
    [
        ("sagemaker", "list_models", {}, "AccessDeniedException"),
        ("stepfunctions", "list_state_machines", {}, "AccessDeniedException"),
        ("lambda", "list_functions", {}, "AccessDeniedException"),
        ("iam", "list_roles", {}, "AccessDenied"),
        ("cloudformation", "list_stacks", {}, "AccessDenied"),
        ("sns", "list_topics", {}, "AuthorizationError"),
        ("s3", "list_buckets", {}, "AccessDenied"),
    ],
)
def test_each_protocol_has_its_own_denial(
    aws: Emulator, service: str, operation: str, parameters: dict[str, Any], code: str
) -> None:
    assert denial(getattr(Role(aws).client(service), operation), **parameters)[0] == code


def test_who_may_list_by_prefix_lists_nothing_else(aws: Emulator, bucket: str) -> None:
    condition = {"StringLike": {"s3:prefix": "a/*"}}
    s3 = Role(aws, allow("s3:ListBucket", f"arn:aws:s3:::{bucket}", Condition=condition)).client("s3")
    assert s3.list_objects_v2(Bucket=bucket, Prefix="a/")["KeyCount"] == 1
    assert denial(s3.list_objects_v2, Bucket=bucket, Prefix="b/")[0] == "AccessDenied"
    assert denial(s3.list_objects_v2, Bucket=bucket)[0] == "AccessDenied"


def test_a_missing_object_is_hidden_from_who_may_not_list(aws: Emulator, bucket: str) -> None:
    role = Role(aws, allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"))
    assert denial(role.client("s3").get_object, Bucket=bucket, Key="none")[0] == "AccessDenied"
    role.allow(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"), allow("s3:ListBucket", f"arn:aws:s3:::{bucket}"))
    assert denial(role.client("s3").get_object, Bucket=bucket, Key="none")[0] == "NoSuchKey"


def test_a_buckets_own_policy_can_deny_an_administrator(aws: Emulator, bucket: str) -> None:
    s3 = aws.client("s3")
    plain = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}/*"}
    insecure = {**plain, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [insecure]}))
    assert s3.get_object(Bucket=bucket, Key="a/k")["Body"].read() == b"1"
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [plain]}))
    assert "explicit deny in a resource-based policy" in denial(s3.get_object, Bucket=bucket, Key="a/k")[1]


def test_passing_a_role_is_a_permission_of_its_own_and_the_service_must_be_trusted(aws: Emulator) -> None:
    trusted = {**TRUST, "Principal": {"Service": "states.amazonaws.com"}}
    passed = Role(aws, allow("s3:GetObject", "*"), trust=trusted)
    machine = {"name": f"m-{uuid.uuid4().hex[:6]}", "roleArn": passed.arn, "definition": json.dumps(_NOTHING)}
    maker = Role(aws, allow("states:*", "*"))
    assert "iam:PassRole" in denial(maker.client("stepfunctions").create_state_machine, **machine)[1]
    only_sagemaker = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    maker.allow(allow("states:*", "*"), allow("iam:PassRole", passed.arn, Condition=only_sagemaker))
    assert "iam:PassRole" in denial(maker.client("stepfunctions").create_state_machine, **machine)[1]
    maker.allow(allow("states:*", "*"), allow("iam:PassRole", passed.arn))
    assert maker.client("stepfunctions").create_state_machine(**machine)["stateMachineArn"]
    # and a role that trusts somebody else cannot be used, whoever passes it
    mistrusting = Role(aws)
    code, message = denial(aws.client("stepfunctions").create_state_machine, **{**machine, "roleArn": mistrusting.arn})
    assert code == "ValidationException"
    assert "states.amazonaws.com" in message


def test_a_state_acts_in_its_machines_role(aws: Emulator, bucket: str) -> None:
    trusted = {**TRUST, "Principal": {"Service": "states.amazonaws.com"}}
    role = Role(aws, allow("s3:PutObject", f"arn:aws:s3:::{bucket}/other/*"), trust=trusted)
    arguments = {"Bucket": bucket, "Key": "a/new", "Body": "text"}
    write = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:putObject", "Arguments": arguments, "End": True}
    states = aws.client("stepfunctions")
    machine = states.create_state_machine(
        name=f"m-{uuid.uuid4().hex[:6]}",
        roleArn=role.arn,
        definition=json.dumps({"QueryLanguage": "JSONata", "StartAt": "Write", "States": {"Write": write}}),
    )
    execution = states.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
    ended = aws.wait_for(
        lambda: states.describe_execution(executionArn=execution), lambda answer: answer["status"] != "RUNNING"
    )
    assert ended["status"] == "FAILED"
    assert f"s3:PutObject on resource: arn:aws:s3:::{bucket}/a/new" in ended["cause"]
    assert role.name in ended["cause"]


def test_an_unknown_key_is_nobodys(aws: Emulator) -> None:
    sagemaker = boto3.client(
        "sagemaker",
        endpoint_url=aws.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="AKIAUNKNOWN",
        aws_secret_access_key="s",
    )
    assert denial(sagemaker.list_models)[0] == "UnrecognizedClientException"


_NOTHING = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}
