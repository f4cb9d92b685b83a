"""What an audit costs: a processing job, and S3's requests."""

from collections.abc import Mapping
from typing import Any

from audits.contract import AuditInput
from costs.bill import Job, estimated_line
from costs.expected import BINS, LISTED, START_UP
from costs.prices import service
from costs.speed import photos_a_second

_SLOWEST = "resnet101"
"""Of the architectures that executions compare by default."""
_SIDE = 224
_READS = 2
"""Requests to S3 for a bin: its photo and its record."""


def job(given: Mapping[str, Any], seconds: float) -> Job:
    """The job of an audit with this complete input; `seconds` are of one of its instances."""
    return Job("Count bins", "processing", given["instanceType"], seconds, seconds, given["instanceCount"])


def expected_job(asked: AuditInput, bins: int) -> tuple[Job, list[str]]:
    """The job to expect, and what that takes for granted, in sentences."""
    given = asked.to_json()
    rate = photos_a_second(given["instanceType"], _SLOWEST, _SIDE, gpu=False)
    told = [
        f"dataset.files counts as {LISTED:,} bins, as it is not read."
        if asked.dataset.files
        else f"The source is as large as the Amazon Bin Image Dataset, {BINS:,} bins, of which {bins:,} are audited.",
        f"The model is a {_SLOWEST} on photos of {_SIDE} pixels: {rate:.0f} a second on {given['instanceType']}. One "
        "that averages mirror images takes twice the time.",
        f"Each instance is billed {START_UP} seconds besides its work. Not measured in an account.",
    ]
    return job(given, START_UP + bins / rate / asked.instance_count), told


def requests(bins: int) -> dict[str, Any]:
    """S3's requests for so many bins, as a line of the bill."""
    return estimated_line("S3 (requests)", bins * _READS * service("s3Read"))
