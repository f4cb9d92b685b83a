"""The endpoint's month: as configured, one size smaller and one larger."""

import re
from typing import Any

from costs.prices import Prices
from run import instances

HOURS = 730
"""Of a month, as AWS counts."""
SERVERLESS = (
    "Not possible: SageMaker cannot turn an endpoint on instances into a serverless one, which keeps no captures, "
    "knows one production variant and so no canary, and has at most 6 GB of memory for Ray's processes, the model and "
    "the largest photo."
)


def neighbours(instance_type: str) -> list[str]:
    """One size smaller and one larger of the family, of those that a model can be served on."""
    family = instance_type.rpartition(".")[0]
    sizes = sorted(
        (name for name in instances.instance_types("ProductionVariant") if name.rpartition(".")[0] == family),
        key=_size,
    )
    if instance_type not in sizes:  # newer than the deployment's service model
        return []
    at = sizes.index(instance_type)
    return [name for name in sizes[max(at - 1, 0) : at + 2] if name != instance_type]


def month(instance_type: str, count: int, prices: Prices) -> dict[str, Any]:
    """What the endpoint costs in a month without scaling out, and what another size would."""

    def usd(name: str) -> float | None:
        hour = prices.hour(name, "hosting")
        return None if hour is None else round(hour * HOURS * count, 2)

    return {
        "instanceType": instance_type,
        "instances": count,
        "usdPerMonth": usd(instance_type),
        "alternatives": [{"instanceType": name, "usdPerMonth": usd(name)} for name in neighbours(instance_type)],
        "serverless": SERVERLESS,
    }


def _size(instance_type: str) -> float:
    size = instance_type.rpartition(".")[2]
    if found := re.fullmatch(r"(\d*)xlarge", size):
        return float(found[1] or 1)
    return {"medium": 0.25, "large": 0.5}.get(size, 1000)
