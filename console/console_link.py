"""An execution's page in the AWS console."""

from urllib.parse import urlsplit

import boto3

_CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
"""By partition, which an ARN begins with; each region has its own host below."""


def of_execution(arn: str) -> str | None:
    """None in a rehearsal, and in partitions whose console is not known here."""
    _, partition, _, region, *_ = arn.split(":")
    host = urlsplit(boto3.client("stepfunctions").meta.endpoint_url).hostname
    if partition not in _CONSOLES or host in ("localhost", "127.0.0.1"):
        return None
    return f"https://{region}.{_CONSOLES[partition]}/states/home?region={region}#/v2/executions/details/{arn}"
