"""What CloudFormation's handlers need in the role of a stack."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from moto import mock_aws

from rehearsal.aws.cloudformation.handlers import require_permissions
from rehearsal.aws.iam.enforcement import AccessDenied
from rehearsal.aws.iam.principals import Principal
from rehearsal.aws.location import ACCOUNT_ID

KEY = f"arn:aws:kms:us-east-1:{ACCOUNT_ID}:key/01234567-89ab-cdef-0123-456789abcdef"
CONFIG = f"arn:aws:sagemaker:us-east-1:{ACCOUNT_ID}:endpoint-config/live"


def updater(name: str, key: str) -> Principal:
    """A role for the endpoint's configurations and one key."""
    statements: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": "sagemaker:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "kms:DescribeKey", "Resource": key},
    ]
    iam = boto3.client("iam", region_name="us-east-1")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []}))
    iam.put_role_policy(
        RoleName=name,
        PolicyName="update",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}),
    )
    return Principal(f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{name}/AWSCloudFormation", name)


@mock_aws
def test_a_key_is_asked_for_by_its_own_arn() -> None:
    properties = {"KmsKeyId": KEY}
    # given a role that may look at this key, then it may make the configuration
    require_permissions(updater("this", KEY), "AWS::SageMaker::EndpointConfig", "create", CONFIG, properties)
    # ... and one that may look at another may not
    other = updater("other", KEY.replace("0123", "4567"))
    with pytest.raises(AccessDenied, match=f"kms:DescribeKey on resource: {KEY}"):
        require_permissions(other, "AWS::SageMaker::EndpointConfig", "create", CONFIG, properties)


@mock_aws
def test_without_a_key_none_is_asked_for() -> None:
    role = updater("without", KEY.replace("0123", "4567"))
    require_permissions(role, "AWS::SageMaker::EndpointConfig", "create", CONFIG, {})
