"""Add up cost: what an execution's jobs are billed, of one that failed too, beside what they would be on demand."""

import os
from typing import Any

from costs import prices
from costs.bill import bill, service_lines
from costs.endpoint import month, neighbours
from costs.executed import executed_jobs, not_counted, packed_photos


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """The execution output's `cost`, but for what the state machine adds up itself.

    Args:
        event: the variables run, extracted, dataset, comparison, tuning, training, evaluationSeconds and failure, as
            far as the execution has come.
    """
    settings = os.environ
    jobs = list(executed_jobs(event, settings["EVALUATION_INSTANCE_TYPE"]))
    serving = settings["ENDPOINT_INSTANCE_TYPE"]
    found = prices.find(settings["AWS_REGION"], {job.instance_type for job in jobs} | {serving, *neighbours(serving)})
    services = service_lines(packed_photos(event), len(event["extracted"]))
    return bill(jobs, services, found) | {
        "notCounted": not_counted(event["failure"]),
        "endpoint": month(serving, int(settings["ENDPOINT_INSTANCES"]), found),
    }
