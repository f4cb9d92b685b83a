"""Calls that AWS's services make in a role that they were given.

They go past the emulated AWS's HTTP API, so each is checked where the service would make it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rehearsal.aws.iam import principals
from rehearsal.aws.iam.enforcement import AccessDenied, require
from rehearsal.aws.iam.principals import Credentials, Principal
from rehearsal.aws.iam.requests import Need, image_pull
from rehearsal.aws.location import ACCOUNT_ID


def assume(role: str, service: str, session: str, source_arn: str = "") -> Principal:
    """A service takes a role. Raises AccessDenied when the role does not trust it."""
    told = principals.source(service, [source_arn] if source_arn else [])
    decision = principals.may_be_assumed(role, service, told)
    if not decision.allowed:
        raise AccessDenied(f"{service} is not authorized to assume {role}: its trust policy does not allow that")
    return principals.session(role, session)


def credentials(principal: Principal) -> Credentials:
    """The access key with which a process or a client acts as the principal."""
    return principals.credentials(principal)


def require_all(principal: Principal, needs: Iterable[Need]) -> None:
    """Raise AccessDenied for the first permission that is missing."""
    for need in needs:
        require(principal, need)


def container_start(image: str, log_group: str, log_stream: str, region: str) -> Iterator[Need]:
    """What SageMaker does in a job's or an endpoint's role: pull the image, write the log and metrics."""
    if ".dkr.ecr." in image:
        yield Need("ecr:GetAuthorizationToken", "*")
        yield from image_pull(image)
    group = f"arn:aws:logs:{region}:{ACCOUNT_ID}:log-group:{log_group}"
    yield Need("logs:CreateLogGroup", f"{group}:log-stream:")
    yield Need("logs:DescribeLogStreams", f"{group}:log-stream:")
    yield from log_writes(log_group, log_stream, region)
    namespace = "/".join(log_group.split("/")[:4])
    yield Need("cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": [namespace]})


def log_writes(log_group: str, log_stream: str, region: str) -> Iterator[Need]:
    """Writing to a log."""
    stream = f"arn:aws:logs:{region}:{ACCOUNT_ID}:log-group:{log_group}:log-stream:{log_stream}"
    for action in ("CreateLogStream", "PutLogEvents"):
        yield Need(f"logs:{action}", stream)


def alarm_reads(names: Iterable[str], region: str) -> Iterator[Need]:
    """What an endpoint's role needs for the alarms that roll an update back.

    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html
    """
    for name in names:
        yield Need("cloudwatch:DescribeAlarms", f"arn:aws:cloudwatch:{region}:{ACCOUNT_ID}:alarm:{name}")
