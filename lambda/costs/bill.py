"""What is billed: a line for each kind of job, the small services as an estimate, and their sum."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from costs.prices import Prices, service

_PHOTOS_AN_ITEM = 1000
"""Of a map: Catalogue takes so many bins at once, and a shard holds about as many photos."""
_GB_SECONDS_A_PHOTO = 0.25
"""Lambda, for a photo that is new: mostly Pack, 3 GB of memory for 60 to 80 ms."""
_GB_A_PHOTO = 0.000025
"""S3, and as much for its features of each architecture."""
_TRANSITIONS, _WRITES, _READS, _FUNCTIONS = 100, 300, 1000, 10
"""Of an execution, besides what comes with each item of its two maps. Most transitions look at an endpoint's update."""


@dataclass(frozen=True)
class Job:
    """One job, or several alike.

    Attributes:
        use: `training` or `processing`.
        seconds, billable_seconds: of one instance, all the jobs together; spot capacity bills fewer than it runs.
    """

    what: str
    use: str
    instance_type: str
    seconds: float
    billable_seconds: float
    instance_count: int = 1
    jobs: int = 1
    spot: bool = False
    name: str | None = None


def job_line(job: Job, prices: Prices) -> dict[str, Any]:
    """The job with its price; `usd` and `onDemandUsd` are null where no price is known."""
    hour = prices.hour(job.instance_type, job.use)
    return {
        "what": job.what,
        "jobName": job.name,
        "jobs": job.jobs,
        "instanceType": job.instance_type,
        "instanceCount": job.instance_count,
        "seconds": round(job.seconds),
        "billableSeconds": round(job.billable_seconds),
        "spot": job.spot,
        "usd": _usd(hour, job.billable_seconds * job.instance_count),
        "onDemandUsd": _usd(hour, job.seconds * job.instance_count),
        "estimated": False,
    }


def service_lines(photos: int, architectures: int) -> list[dict[str, Any]]:
    """Lambda, Step Functions and S3: an estimate, from numbers alone.

    Args:
        photos: that this execution has packed: none where the dataset was there.
        architectures: that features are kept of.
    """
    items = 2 * ceil(photos / _PHOTOS_AN_ITEM)
    usd = {
        "Lambda": (_FUNCTIONS + items) * service("lambdaRequest")
        + photos * _GB_SECONDS_A_PHOTO * service("lambdaGbSecond"),
        "Step Functions": (_TRANSITIONS + 3 * items) * service("stepFunctionsTransition"),
        "S3 (requests, and a month of what was made)": (_WRITES + 3 * items) * service("s3Write")
        + (_READS + 10 * items) * service("s3Read")
        + photos * (1 + architectures) * _GB_A_PHOTO * service("s3GbMonth"),
    }
    return [estimated_line(what, value) for what, value in usd.items()]


def estimated_line(what: str, usd: float) -> dict[str, Any]:
    """What is not billed by the hour of an instance."""
    usd = round(usd, 6)
    return {
        "what": what,
        "instanceType": None,
        "seconds": None,
        "spot": False,
        "usd": usd,
        "onDemandUsd": usd,
        "estimated": True,
    }


def bill(jobs: Iterable[Job], services: Sequence[dict[str, Any]], prices: Prices) -> dict[str, Any]:
    """All lines and their sum; a sum is null where a price is missing, and `unknown` says which."""
    jobs = list(jobs)
    lines = [*(job_line(job, prices) for job in jobs), *services]
    usd, on_demand = _sum(lines, "usd"), _sum(lines, "onDemandUsd")
    saved = None if usd is None or on_demand is None else round(on_demand - usd, 4)
    return {
        "lines": lines,
        "usd": usd,
        "onDemandUsd": on_demand,
        "savedUsd": saved,
        "savingsPercent": round(100 * saved / on_demand, 1) if saved is not None and on_demand else None,
        "currency": "USD",
        "prices": prices.told,
        "unknown": sorted(
            {f"{job.instance_type} for {job.use}" for job in jobs if prices.hour(job.instance_type, job.use) is None}
        ),
    }


def _sum(lines: Iterable[dict[str, Any]], name: str) -> float | None:
    values = [line[name] for line in lines]
    return None if None in values else round(sum(values), 4)


def _usd(hour: float | None, seconds: float) -> float | None:
    return None if hour is None else round(hour * seconds / 3600, 6)
