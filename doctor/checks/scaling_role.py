"""The service-linked role in which Application Auto Scaling changes the endpoint's fleet."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from doctor.findings import Finding, Severity
from stacks.settings import DeploymentSettings

ROLE = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"


def check(iam: Any, settings: DeploymentSettings) -> Iterator[Finding]:
    """Whether the account has the role, or who makes it."""
    if not settings.scales:
        yield Finding("Scaling role", Severity.FINE, "Not needed: the endpoint does not scale.")
        return
    try:
        iam.get_role(RoleName=ROLE)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
        yield Finding("Scaling role", Severity.FINE, "Not there yet; the first deployment of a model makes it.")
    else:
        yield Finding("Scaling role", Severity.FINE, "There.")
