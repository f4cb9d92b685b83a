"""Model packages are versioned, approved and deployed under SageMaker's rules."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.emulator import ROLE

ARN = "arn:aws:sagemaker:us-east-1:123456789012:model-package"


@pytest.fixture
def group(sagemaker: Any) -> str:
    name = f"group-{uuid.uuid4().hex[:8]}"
    sagemaker.create_model_package_group(ModelPackageGroupName=name)
    return name


def register(sagemaker: Any, group: str, **request: Any) -> str:
    specification = {
        "Containers": [{"Image": "ray", "ModelDataUrl": "s3://data/model.tar.gz"}],
        "SupportedContentTypes": ["image/jpeg"],
        "SupportedResponseMIMETypes": ["application/json"],
    }
    answer = sagemaker.create_model_package(
        ModelPackageGroupName=group, InferenceSpecification=specification, **request
    )
    return str(answer["ModelPackageArn"])


def test_a_group_of_an_existing_name_is_refused(sagemaker: Any, group: str) -> None:
    arn = register(sagemaker, group)

    with pytest.raises(
        ClientError, match=r"\(ValidationException\).*: Model Package Group already exists: arn:.*group-"
    ):
        sagemaker.create_model_package_group(ModelPackageGroupName=group)

    assert sagemaker.describe_model_package(ModelPackageName=arn)["ModelPackageGroupName"] == group


def test_a_version_can_be_tagged(sagemaker: Any, group: str) -> None:
    arn = register(sagemaker, group)

    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == []
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "owner", "Value": "me"}])

    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "owner", "Value": "me"}]


def test_a_request_that_comes_twice_registers_one_version(sagemaker: Any, group: str) -> None:
    tokens = [uuid.uuid4().hex for _ in range(2)]

    first, again, other = (register(sagemaker, group, ClientToken=tokens[place]) for place in (0, 0, 1))

    assert first == again
    assert other == f"{first.rpartition('/')[0]}/2"


def test_a_group_is_no_version(sagemaker: Any, group: str) -> None:
    register(sagemaker, group)

    with pytest.raises(ClientError, match=rf"\(ValidationException\).*{ARN}/{group} does not exist"):
        sagemaker.describe_model_package(ModelPackageName=group)


def test_versions_are_counted_in_their_group(sagemaker: Any, group: str) -> None:
    arns = [register(sagemaker, group, ModelApprovalStatus="Approved") for _ in range(2)]

    assert arns == [f"{ARN}/{group}/1", f"{ARN}/{group}/2"]
    listed = sagemaker.list_model_packages(ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending")
    assert [entry["ModelPackageVersion"] for entry in listed["ModelPackageSummaryList"]] == [2, 1]


def test_a_version_is_described_with_what_it_was_registered_with(sagemaker: Any, group: str) -> None:
    metrics = {"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": "s3://data/metrics.json"}}}
    arn = register(sagemaker, group, ModelMetrics=metrics, CustomerMetadataProperties={"accuracy": "0.4"})

    package = sagemaker.describe_model_package(ModelPackageName=arn)

    assert (package["ModelPackageName"], package["ModelPackageVersion"]) == (group, 1)
    assert package["ModelMetrics"] == metrics
    assert package["CustomerMetadataProperties"] == {"accuracy": "0.4"}
    assert package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"] == "s3://data/model.tar.gz"
    assert package["ModelApprovalStatus"] == "PendingManualApproval"


def test_an_approval_keeps_what_it_does_not_mention(sagemaker: Any, group: str) -> None:
    # given
    arn = register(sagemaker, group, CustomerMetadataProperties={"accuracy": "0.4"})
    sagemaker.update_model_package(ModelPackageArn=arn, ApprovalDescription="looks good")

    # when
    sagemaker.update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Approved", CustomerMetadataProperties={"approver": "a person"}
    )

    # then
    package = sagemaker.describe_model_package(ModelPackageName=arn)
    assert package["ModelApprovalStatus"] == "Approved"
    assert package["ApprovalDescription"] == "looks good"
    assert package["CustomerMetadataProperties"] == {"accuracy": "0.4", "approver": "a person"}


def test_only_an_approved_package_becomes_a_model(sagemaker: Any, group: str) -> None:
    arn = register(sagemaker, group)
    name = f"model-{uuid.uuid4().hex[:8]}"
    model = {"ModelName": name, "ExecutionRoleArn": ROLE, "PrimaryContainer": {"ModelPackageName": arn}}

    with pytest.raises(ClientError, match="approval status PendingManualApproval"):
        sagemaker.create_model(**model)
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    sagemaker.create_model(**model)

    with pytest.raises(ClientError, match="already existing model"):
        sagemaker.create_model(**model)


def test_a_model_of_an_unknown_package_is_refused(sagemaker: Any, group: str) -> None:
    container = {"ModelPackageName": f"{ARN}/{group}/7"}

    with pytest.raises(ClientError, match="not found"):
        sagemaker.create_model(ModelName="unknown", ExecutionRoleArn=ROLE, PrimaryContainer=container)


def test_a_group_is_deleted_after_its_versions(sagemaker: Any, group: str) -> None:
    arn = register(sagemaker, group)

    with pytest.raises(ClientError) as refusal:
        sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    sagemaker.delete_model_package(ModelPackageName=arn)
    sagemaker.delete_model_package_group(ModelPackageGroupName=group)

    assert refusal.value.response["Error"]["Code"] == "ConflictException"
    with pytest.raises(ClientError, match="does not exist"):
        sagemaker.describe_model_package_group(ModelPackageGroupName=group)
