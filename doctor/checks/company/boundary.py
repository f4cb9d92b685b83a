"""The managed policy that bounds every role."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from doctor.findings import Finding, Severity
from doctor.templates import Place
from stacks.settings import DeploymentSettings

_CHECK = "Permissions boundary"


def check(iam: Any, settings: DeploymentSettings, place: Place) -> Iterator[Finding]:
    """Whether the policy exists. What it allows is the account's matter: docs/company-account.md has what is needed."""
    if not (policy := settings.permissions_boundary):
        return
    arn = policy if policy.startswith("arn:") else f"arn:{place.partition}:iam::{place.account}:policy/{policy}"
    mend = "aws iam list-policies --scope Local --query 'Policies[].Arn'   # then mend the setting permissionsBoundary"
    meaning = "`cdk deploy` fails: IAM makes no role with it."
    if arn.split(":")[4] not in (place.account, "aws"):
        finding = f"{arn} is not of account {place.account}."
        yield Finding(_CHECK, Severity.FAILS, finding, meaning, mend)
        return
    try:
        iam.get_policy(PolicyArn=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
        yield Finding(_CHECK, Severity.FAILS, f"There is no policy {arn}.", meaning, mend)
    else:
        yield Finding(_CHECK, Severity.FINE, f"{arn}.")
