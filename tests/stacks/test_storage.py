"""The data bucket: encrypted, private, TLS only, versioned. What outlives it is in test_removal.py."""

import pytest

from tests.stacks.template import Template, resources


@pytest.fixture
def bucket(templates: dict[str, Template]) -> dict:
    (properties,) = resources(templates["Storage"], "AWS::S3::Bucket").values()
    return properties


def test_objects_are_encrypted_private_and_versioned(bucket: dict) -> None:
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}


def test_plain_http_is_denied(templates: dict[str, Template]) -> None:
    (policy,) = resources(templates["Storage"], "AWS::S3::BucketPolicy").values()
    (deny,) = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
    assert deny["Action"] == "s3:*"
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_what_serves_a_running_job_expires_and_models_do_not(bucket: dict) -> None:
    expiring = {
        rule.get("Prefix"): rule["ExpirationInDays"]
        for rule in bucket["LifecycleConfiguration"]["Rules"]
        if "ExpirationInDays" in rule
    }
    assert expiring == {"approvals/": 31, "checkpoints/": 7, "trials/": 7, "debug/": 30, "captured/": 90}
