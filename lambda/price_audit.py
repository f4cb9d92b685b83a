"""Price audit: what an audit is billed, and before it starts what it would be."""

import os
from typing import Any

from audits.contract import complete
from audits.cost import expected_job, job, requests
from costs import prices
from costs.bill import bill
from costs.expected import BINS, LISTED


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """The bill.

    Args:
        event: `input`, an audit's input, for an estimate with its `assumptions`; or, of one that has run, `audit`,
            which is Plan audit's answer, and `seconds`, which its job took.

    Raises:
        InvalidInput: one sentence for each fault of the input.
    """
    if "audit" in event:
        ran = job(event["audit"]["input"], event["seconds"])
        bins = event["audit"]["bins"] if event["seconds"] else 0
        return bill([ran] if event["seconds"] else [], [requests(bins)], _found(ran.instance_type))
    asked = complete(event.get("input"), os.environ)
    bins = LISTED if asked.dataset.files else round(asked.dataset.fraction * BINS)
    expected, told = expected_job(asked, bins)
    estimated = bill([expected], [requests(bins)], _found(expected.instance_type))
    return estimated | {"input": asked.to_json(), "assumptions": told}


def _found(instance_type: str) -> prices.Prices:
    return prices.find(os.environ["AWS_REGION"], [instance_type])
