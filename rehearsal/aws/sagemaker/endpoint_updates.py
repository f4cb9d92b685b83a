"""What an update of an endpoint keeps of its variants, and which updates SageMaker refuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moto.sagemaker.exceptions import AWSValidationException
from moto.sagemaker.models import FakeEndpoint

from rehearsal.aws.sagemaker import scaling

Variants = Sequence[Mapping[str, Any]]

_INITIAL = {"DesiredInstanceCount": "InitialInstanceCount", "DesiredWeight": "InitialVariantWeight"}
"""What a configuration calls the properties of a variant."""
_LEAST_STEP, _MOST = 10, 50  # percent of a fleet: API_TrafficRoutingConfig


@dataclass(frozen=True)
class Update:
    """What UpdateEndpoint is asked for beside the configuration."""

    retained: frozenset[str] = frozenset()
    keeps_capture: bool = False
    alarms: Sequence[str] = ()
    traffic: Mapping[str, Any] | None = None

    @classmethod
    def of_request(cls, request: Mapping[str, Any]) -> Update:
        """By the request's members.

        That data capture is retained, too, even where it is to be excluded, is the worse of what the documentation
        leaves open: VariantPropertyType has it as "not currently supported".
        """
        retains = bool(request.get("RetainAllVariantProperties"))
        excluded = {item["VariantPropertyType"] for item in request.get("ExcludeRetainedVariantProperties") or []}
        deployment = request.get("DeploymentConfig") or {}
        alarms = (deployment.get("AutoRollbackConfiguration") or {}).get("Alarms") or []
        return cls(
            retained=frozenset(_INITIAL) - excluded if retains else frozenset(),
            keeps_capture=retains,
            alarms=[alarm["AlarmName"] for alarm in alarms],
            traffic=(deployment.get("BlueGreenUpdatePolicy") or {}).get("TrafficRoutingConfiguration"),
        )

    def variants(self, endpoint: FakeEndpoint, wanted: Variants) -> list[dict[str, Any]]:
        """A new configuration's variants, with the counts and weights that the update leaves them."""
        old = {variant["VariantName"]: variant for variant in endpoint.production_variants}
        return [
            {**variant}
            | {
                _INITIAL[name]: old[variant["VariantName"]][name]
                for name in self.retained
                if name in old.get(variant["VariantName"], {})
            }
            for variant in wanted
        ]

    def require(self, endpoint: FakeEndpoint, region: str, old: Variants, new: Variants) -> None:
        """Refuse the update where SageMaker does; `old` and `new` are configurations' variants.

        Raises
        ------
        AWSValidationException
            Another instance type for a variant that is registered for scaling
            (https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html), or a step of the traffic
            that is no share of the fleet as it will be.
        """
        types = {variant["VariantName"]: variant.get("InstanceType") for variant in old}
        for variant in self.variants(endpoint, new):
            name = variant["VariantName"]
            changes = variant.get("InstanceType") != types.get(name, variant.get("InstanceType"))
            if changes and scaling.is_registered(endpoint.endpoint_name, name, region):
                raise AWSValidationException(
                    f"The variant {name} of endpoint {endpoint.arn} is a target for auto scaling. Deregister it before "
                    "its instance type is changed."
                )
            self._require_traffic(variant["InitialInstanceCount"])

    def _require_traffic(self, instances: int) -> None:
        kind = (self.traffic or {}).get("Type")
        member = {"CANARY": "CanarySize", "LINEAR": "LinearStepSize"}.get(str(kind))
        if not member or not self.traffic:
            return
        size = self.traffic.get(member)
        if not size:
            raise AWSValidationException(f"TrafficRoutingConfiguration of type {kind} needs {member}.")
        percent = size["Value"] if size["Type"] == "CAPACITY_PERCENT" else 100 * size["Value"] / instances
        least = _LEAST_STEP if kind == "LINEAR" else 0
        if not least <= percent <= _MOST:
            raise AWSValidationException(
                f"{member} is {percent:.0f}% of the variant's {instances} instances; it must be "
                f"{f'at least {least}% and ' if least else ''}at most {_MOST}%."
            )
