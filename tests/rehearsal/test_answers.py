"""What the emulated AWS does not have is refused in the protocol of the service, so that clients can read it."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.emulator import Emulator

ARN = "arn:aws:states:us-east-1:123456789012:execution:machine:name"

CALLS: dict[str, tuple[str, Callable[[Any], Any], str, str]] = {
    "JSON": ("stepfunctions", lambda c: c.redrive_execution(executionArn=ARN), "UnknownOperationException", "Redrive"),
    "JSON of a service by metrics": ("cloudwatch", lambda c: c.list_metric_streams(), "UnknownOperationException", "L"),
    "an unknown address": ("lambda", lambda c: c.list_code_signing_configs(), "UnknownOperationException", "ListCode"),
    "query": ("cloudformation", lambda c: c.describe_organizations_access(), "InvalidAction", "DescribeOrganizations"),
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
