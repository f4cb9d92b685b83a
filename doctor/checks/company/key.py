"""The KMS key, and whether its policy lets those use it that docs/company-account.md names."""

import json
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from doctor.findings import Finding, Severity
from doctor.policies import ADD_STATEMENT, allows
from doctor.templates import Place
from stacks.settings import DeploymentSettings

_CHECK, _POLICY = "Key", "Key policy"


def check(kms: Any, settings: DeploymentSettings, place: Place) -> Iterator[Finding]:
    """Whether the key can encrypt what the deployment keeps."""
    if not settings.kms_key:
        return
    if (fault := _fault(kms, settings.kms_key, place)) is None:
        yield Finding(_CHECK, Severity.FINE, f"{settings.kms_key} is enabled and symmetric.")
        return
    finding, mend = fault
    yield Finding(_CHECK, Severity.FAILS, finding, "Nothing can be encrypted with it: `cdk deploy` fails.", mend)


def check_policy(kms: Any, settings: DeploymentSettings, place: Place) -> Iterator[Finding]:
    """Whether the key's policy lets IAM decide, and names the services that encrypt for us."""
    if not settings.kms_key or _region(settings.kms_key) != place.region:
        return
    try:
        policy = json.loads(kms.get_key_policy(KeyId=settings.kms_key, PolicyName="default")["Policy"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "NotFoundException":
            raise
        return  # `check` says so.
    fine = True
    for severity, principals, action, meaning in _needed(settings, place):
        if not allows(policy, principals, action):
            fine = False
            finding = f"It does not let {min(principals, key=len)} use {action}."
            mend = f"aws kms get-key-policy --key-id {settings.kms_key} --query Policy --output text > policy.json"
            yield Finding(_POLICY, severity, finding, meaning, f"{mend}   {ADD_STATEMENT} put-key-policy")
    if fine:
        yield Finding(_POLICY, Severity.FINE, "It names those who use the key.")


def _needed(settings: DeploymentSettings, place: Place) -> Iterator[tuple[Severity, set[str], str, str]]:
    """How bad it is without, who must be allowed (any of these names), what, and what it is for."""
    account = {place.account, f"arn:{place.partition}:iam::{place.account}:root"}
    roles = "The roles' own policies do not count then: it has to name each role."
    logs = {f"logs.{place.region}.amazonaws.com", f"logs.{place.region}.amazonaws.com.cn"}
    yield Severity.WARNING, account, "kms:Decrypt", roles
    yield Severity.FAILS, logs, "kms:GenerateDataKey", "`cdk deploy` fails at the log groups."
    yield Severity.WARNING, {"cloudwatch.amazonaws.com"}, "kms:GenerateDataKey", "Alarms cannot tell the topic."
    if settings.monthly_budget_usd:
        yield Severity.WARNING, {"budgets.amazonaws.com"}, "kms:GenerateDataKey", "The budget cannot tell the topic."


def _region(arn: str) -> str:
    return arn.split(":")[3]


def _fault(kms: Any, arn: str, place: Place) -> tuple[str, str] | None:
    """What makes the key unfit, and what mends that; None for a good one."""
    another = "Name another key in the setting kmsKey: aws kms create-key"
    if (region := _region(arn)) != place.region:
        return f"{arn} is a key of {region}, not of {place.region}.", another
    try:
        key = kms.describe_key(KeyId=arn)["KeyMetadata"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NotFoundException":
            raise
        return f"There is no key {arn}.", another
    if key["KeyState"] != "Enabled":
        return f"{arn} is {key['KeyState']}.", f"aws kms enable-key --key-id {arn}"
    if key["KeySpec"] != "SYMMETRIC_DEFAULT":
        return f"{arn} is a key for {key['KeyUsage']} ({key['KeySpec']}); a symmetric one is needed.", another
    if key["KeyManager"] == "AWS":
        return f"{arn} is managed by AWS: its policy cannot let the log groups use it.", another
    return None
