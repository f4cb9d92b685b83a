"""The bucket that S3 writes access logs to."""

import json
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from doctor.findings import Finding, Severity
from doctor.policies import ADD_STATEMENT, allows
from doctor.templates import Place
from stacks.settings import DeploymentSettings

_CHECK = "Log bucket"
_DELIVERY = "logging.s3.amazonaws.com"
_GROUP = "http://acs.amazonaws.com/groups/s3/LogDelivery"


def check(s3: Any, settings: DeploymentSettings, place: Place) -> Iterator[Finding]:
    """Whether S3 can deliver there."""
    if not (bucket := settings.access_log_bucket):
        return
    faults = list(_faults(s3, bucket, place))
    for finding, meaning, mend in faults:
        yield Finding(_CHECK, Severity.FAILS, finding, meaning, mend)
    if not faults:
        yield Finding(_CHECK, Severity.FINE, f"S3 may write access logs to {bucket}.")


def _faults(s3: Any, bucket: str, place: Place) -> Iterator[tuple[str, str, str]]:
    another = "Name another bucket in the setting accessLogBucket"
    # With a prefix S3 tells each bucket's region; what is listed is the account's own.
    pages = s3.get_paginator("list_buckets").paginate(Prefix=bucket)
    regions = {found["Name"]: found.get("BucketRegion") for page in pages for found in page["Buckets"]}
    if bucket not in regions:
        finding = f"Account {place.account} has no bucket {bucket}."
        yield finding, "`cdk deploy` fails at the data bucket.", f"aws s3 mb s3://{bucket} --region {place.region}"
        return
    if regions[bucket] not in (place.region, None):
        finding = f"{bucket} is in {regions[bucket]}, not in {place.region}."
        yield finding, "`cdk deploy` fails: S3 writes access logs within a region.", another
        return
    nothing = "S3 delivers no access logs."
    if not allows(_policy(s3, bucket), {_DELIVERY}, "s3:PutObject") and not _acl_allows(s3, bucket):
        mend = f"aws s3api get-bucket-policy --bucket {bucket} --query Policy --output text > policy.json"
        finding = f"The policy of {bucket} does not let {_DELIVERY} put objects."
        yield finding, nothing, f"{mend}   {ADD_STATEMENT} put-bucket-policy"
    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    if any("kms" in rule.get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm", "") for rule in rules):
        encryption = '{"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}'
        mend = (
            f"aws s3api put-bucket-encryption --bucket {bucket} --server-side-encryption-configuration '{encryption}'"
        )
        yield f"The default encryption of {bucket} is with a KMS key.", nothing, mend


def _policy(s3: Any, bucket: str) -> dict[str, Any]:
    try:
        policy: dict[str, Any] = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucketPolicy":
            raise
        return {"Statement": []}
    return policy


def _acl_allows(s3: Any, bucket: str) -> bool:
    """The older way: a grant to a group."""
    grants = s3.get_bucket_acl(Bucket=bucket)["Grants"]
    return any(
        grant["Grantee"].get("URI") == _GROUP and grant["Permission"] in ("WRITE", "FULL_CONTROL") for grant in grants
    )
