"""An execution's variables at its end, and products of AWS's price list, as both have them."""

import json
from typing import Any

from run import contract


def product(usagetype: str, usd: str, unit: str = "Hrs", term: str = "OnDemand") -> str:
    """An entry of GetProducts's PriceList, with the fields that are read."""
    dimension = {"unit": unit, "pricePerUnit": {"USD": usd}}
    return json.dumps(
        {
            "product": {"attributes": {"usagetype": usagetype}},
            "terms": {term: {"t": {"priceDimensions": {"d": dimension}}}},
        }
    )


def trained(architecture: str, seconds: int, billable: int, **more: Any) -> dict[str, Any]:
    """What the state machine keeps of a training job."""
    return {
        "architecture": architecture,
        "jobName": f"job-{architecture}",
        "instanceType": "ml.m5.xlarge",
        "instanceCount": 1,
        "spot": True,
        "trainingSeconds": seconds,
        "billableSeconds": billable,
    } | more


def execution(given: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """The variables of an execution with the defaults, at its end."""
    completed = contract.complete(given)
    return {
        "run": {
            "input": completed.to_json(),
            "trainingInstanceType": completed.training_instance_type,
            "dataset": {"ready": False},
        },
        "extracted": [{"architecture": "resnet50", "seconds": 360}, {"architecture": "resnet101", "seconds": 720}],
        "dataset": {"counts": {"train": {"1": 3000, "2": 3300}, "valid": {"1": 350}, "test": {"1": 350}}},
        "comparison": [trained("resnet50", 200, 60), trained("resnet101", 300, 90)],
        "tuning": {"jobName": "tune", "trials": 10, "trainingSeconds": 1800, "billableSeconds": 720},
        "training": trained("resnet101", 250, 100, jobName="job-train"),
        "evaluationSeconds": 300,
        "failure": None,
    } | more
