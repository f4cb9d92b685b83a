"""Service Quotas: SageMaker's instances under the names that AWS gives their quotas, more than a rehearsal needs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from moto.servicequotas.exceptions import NoSuchResource
from moto.servicequotas.responses import ServiceQuotasResponse

from rehearsal.aws.pages import page
from rehearsal.aws.service_models import service_model

_INSTANCES = 100
_USES = {
    "ProcessingInstanceType": ["processing job"],
    "ProductionVariantInstanceType": ["endpoint"],
    "TrainingInstanceType": ["training job", "spot training job"],
}
"""Shapes in SageMaker's service model -> uses that a quota is named after."""


def install() -> None:
    """Add ListServiceQuotas, which moto lacks, for SageMaker."""
    ServiceQuotasResponse.list_service_quotas = _list_service_quotas


def _list_service_quotas(self: ServiceQuotasResponse) -> str:
    request = json.loads(self.body)
    if request["ServiceCode"] != "sagemaker":
        raise NoSuchResource
    quotas, token = page(list(_quotas()), request.get("MaxResults"), request.get("NextToken"))
    return json.dumps({"Quotas": quotas} | ({"NextToken": token} if token else {}))


def _quotas() -> Iterator[dict[str, str | float | bool]]:
    for shape, uses in _USES.items():
        for instance_type in service_model("sagemaker").shape_for(shape).enum:
            for use in uses:
                name = f"{instance_type} for {use} usage"
                yield {
                    "ServiceCode": "sagemaker",
                    "QuotaCode": f"L-{hashlib.sha256(name.encode()).hexdigest()[:8].upper()}",
                    "QuotaName": name,
                    "Value": float(_INSTANCES),
                    "Adjustable": True,
                }
