"""Endpoints: a served model answers, and an update switches over only when the new one is healthy."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from moto.cloudwatch.models import cloudwatch_backends
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.sagemaker.exceptions import AWSValidationException
from moto.sagemaker.models import FakeEndpoint, FakeEndpointConfig, SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse

from rehearsal.aws import constraints, location
from rehearsal.aws.iam import on_behalf
from rehearsal.aws.iam.enforcement import AccessDenied
from rehearsal.aws.sagemaker.captures import Capture
from rehearsal.aws.sagemaker.cloudwatch_logs import LogStream
from rehearsal.aws.sagemaker.containers import Container, ContainerDefinition, Unhealthy
from rehearsal.aws.sagemaker.endpoint_updates import Update
from rehearsal.aws.sagemaker.lookups import without_empty
from rehearsal.aws.sagemaker.objects import DownloadFailed

_STARTUP_SECONDS = 180
_DRAIN_SECONDS = 60.0  # for requests to the old server when the new one took over: an invocation may take so long

_create_endpoint = SageMakerModelBackend.create_endpoint
_delete_endpoint = SageMakerModelBackend.delete_endpoint
_describe = FakeEndpoint.response_object.fget
_validate_variants = FakeEndpointConfig.validate_production_variants

_lock = threading.RLock()
_answered = threading.Condition(_lock)
_in_service: dict[str, InService] = {}


class AlarmsAreOn(Exception):
    """An alarm that an update names is on, whatever turned it on."""


@dataclass
class InService:
    """What answers for an endpoint at the moment, and how many requests it has not answered yet."""

    variant: str
    container: Container
    capture: Capture | None = None
    under_way: int = 0

    def retire(self) -> None:
        """End the server, which gets no request any more, when it has answered those that it has."""
        with _answered:
            _answered.wait_for(lambda: not self.under_way, _DRAIN_SECONDS)
        self.container.stop()


@dataclass
class Deployment:
    """The change of an endpoint to a configuration, carried out in a thread of its own."""

    backend: SageMakerModelBackend
    endpoint: FakeEndpoint
    config_name: str
    update: Update
    started: Any = field(default_factory=utcnow)

    def start(self) -> None:
        threading.Thread(target=self._run, name=self.endpoint.arn, daemon=True).start()

    def _run(self) -> None:
        container = None
        try:
            config = self.backend.describe_endpoint_config(self.config_name)
            variant = config["ProductionVariants"][0]
            container = self._start_container(variant)
            capture = self._capture(config)
            if capture:
                capture.require(container.principal, self.endpoint.endpoint_name, variant["VariantName"])
            timeout = variant.get("ContainerStartupHealthCheckTimeoutInSeconds") or _STARTUP_SECONDS
            container.wait_until_healthy(timeout, cancelled=lambda: not self._is_wanted())
            self._watch_alarms(container.principal)
            self._switch(InService(variant["VariantName"], container, capture))
            container.follow_log()
        except AlarmsAreOn as error:
            self._give_up(container, str(error))
        except (Unhealthy, DownloadFailed, AccessDenied, AWSValidationException) as error:
            self._give_up(container, self._not_healthy(str(error)))
        except Exception as error:
            traceback.print_exc()
            self._give_up(container, self._not_healthy(f"{type(error).__name__}: {error}"))

    def _watch_alarms(self, principal: on_behalf.Principal) -> None:
        """SageMaker looks at them while it shifts traffic; here, where nothing is baked, once."""
        alarms, region = self.update.alarms, self.backend.region_name
        on_behalf.require_all(principal, on_behalf.alarm_reads(alarms, region))
        known = cloudwatch_backends[self.backend.account_id][region].alarms
        if on := [name for name in alarms if name in known and known[name].state_value == "ALARM"]:
            raise AlarmsAreOn(f"The update was rolled back, as alarms are on: {', '.join(on)}")

    def _capture(self, config: dict[str, Any]) -> Capture | None:
        old = _in_service.get(self.endpoint.arn)
        return old.capture if old and self.update.keeps_capture else Capture.of_config(config)

    def _start_container(self, variant: dict[str, Any]) -> Container:
        name, moment = self.endpoint.endpoint_name, int(time.time() * 1000)
        folder = location.current().work / "sagemaker/endpoint" / name / str(moment)
        log = LogStream(
            self.backend.account_id,
            self.backend.region_name,
            f"/aws/sagemaker/Endpoints/{name}",
            f"{variant['VariantName']}/i-{moment:017x}",
            folder / "log",
        )
        definition = ContainerDefinition.of_model(self.backend, variant["ModelName"])
        return Container(definition, folder, self.backend.region_name, log)

    def _switch(self, new: InService) -> None:
        with _lock:
            if not self._is_wanted():
                raise Unhealthy("The endpoint was deleted.")
            old = _in_service.get(self.endpoint.arn)
            _in_service[self.endpoint.arn] = new
            config = self.backend.describe_endpoint_config(self.config_name)
            self.endpoint.endpoint_config_name = self.config_name
            variants = self.update.variants(self.endpoint, config["ProductionVariants"])
            self.endpoint.production_variants = self.endpoint._process_production_variants(variants)
            self._settle("InService", None)
        if old:
            old.retire()

    def _not_healthy(self, message: str) -> str:
        variant = self.endpoint.production_variants[0]["VariantName"]
        return (
            f"The primary container for production variant {variant} did not pass the ping health check. "
            f"Please check CloudWatch logs for this endpoint. {message}"
        )

    def _give_up(self, container: Container | None, reason: str) -> None:
        with _lock:
            serving = self.endpoint.arn in _in_service
            if self._is_wanted():
                self._settle("InService" if serving else "Failed", reason[:1024])
        if container:
            container.stop()

    def _settle(self, status: str, failure_reason: str | None) -> None:
        self.endpoint.failure_reason = failure_reason
        self.endpoint.last_modified_time = utcnow()
        self.endpoint.deployment = None
        self.endpoint.endpoint_status = status

    def _is_wanted(self) -> bool:
        return self.backend.endpoints.get(self.endpoint.endpoint_name) is self.endpoint


def create_endpoint(
    self: SageMakerModelBackend, endpoint_name: str, endpoint_config_name: str, tags: list[dict[str, str]]
) -> FakeEndpoint:
    """CreateEndpoint starts a server; moto's only records the endpoint as in service."""
    with _lock:
        if endpoint_name in self.endpoints:
            arn = self.endpoints[endpoint_name].arn
            raise AWSValidationException(f'Cannot create already existing endpoint "{arn}".')
        endpoint = _create_endpoint(self, endpoint_name, endpoint_config_name, tags)
        _deploy(self, endpoint, endpoint_config_name, "Creating")
    return endpoint


def update_endpoint(
    self: SageMakerModelBackend,
    endpoint_name: str,
    endpoint_config_name: str,
    update: Update,
) -> FakeEndpoint:
    """UpdateEndpoint, which moto lacks: the old server answers until the new one is healthy.

    If that never happens, or an alarm is on, or the endpoint's role may not see the alarms by name, the endpoint stays
    in service on its old configuration, with a failure reason.
    """
    with _lock:
        self.describe_endpoint(endpoint_name)
        new = self.describe_endpoint_config(endpoint_config_name)
        endpoint = self.endpoints[endpoint_name]
        if endpoint.endpoint_status in ("Creating", "Updating"):
            raise AWSValidationException(f'Cannot update in-progress endpoint "{endpoint.arn}".')
        # An update needs the configuration that serves, too (terraform-provider-aws, issue 40048).
        old = self.describe_endpoint_config(endpoint.endpoint_config_name)
        update.require(endpoint, self.region_name, old["ProductionVariants"], new["ProductionVariants"])
        _deploy(self, endpoint, endpoint_config_name, "Updating", update)
    return endpoint


def delete_endpoint(self: SageMakerModelBackend, endpoint_name: str) -> None:
    """DeleteEndpoint ends the server, too."""
    with _lock:
        self.describe_endpoint(endpoint_name)
        endpoint = self.endpoints[endpoint_name]
        _delete_endpoint(self, endpoint_name)
        serving = _in_service.pop(endpoint.arn, None)
    if serving:
        serving.container.stop()


def respond_to_update_endpoint(self: SageMakerResponse) -> ActionResult:
    """The UpdateEndpoint operation."""
    names = ("DeploymentConfig", "RetainAllVariantProperties", "ExcludeRetainedVariantProperties")
    endpoint = self.sagemaker_backend.update_endpoint(
        self._get_param("EndpointName"),
        self._get_param("EndpointConfigName"),
        Update.of_request({name: self._get_param(name) for name in names}),
    )
    return ActionResult({"EndpointArn": endpoint.arn})


def describe(self: FakeEndpoint) -> dict[str, Any]:
    """An endpoint under change describes the configuration that it changes to, which moto has no place for."""
    description = without_empty(_describe(self))
    deployment: Deployment | None = description.pop("Deployment", None)
    if deployment:
        description["PendingDeploymentSummary"] = {
            "EndpointConfigName": deployment.config_name,
            "StartTime": deployment.started,
        }
    return description


def describe_endpoint_config(self: SageMakerResponse) -> ActionResult:
    """The DescribeEndpointConfig operation."""
    found = self.sagemaker_backend.describe_endpoint_config(self._get_param("EndpointConfigName"))
    return ActionResult(without_empty(found))


def validate_production_variants(self: FakeEndpointConfig, variants: list[dict[str, Any]]) -> None:
    """A variant without a weight weighs 1, which is described."""
    _validate_variants(self, variants)
    for variant in variants:
        variant.setdefault("InitialVariantWeight", 1.0)


def validate_instance_type(self: FakeEndpointConfig, instance_type: str) -> None:
    """The instance types are the service model's; moto's own list ends in 2020."""
    constraints.check("CreateEndpointConfig", {"ProductionVariants": [{"InstanceType": instance_type}]})


@contextmanager
def in_service(account_id: str, region: str, endpoint_name: str) -> Iterator[InService | None]:
    """What answers for an endpoint, if anything does; an update lets it go on until the block has ended."""
    arn = FakeEndpoint.arn_formatter(endpoint_name, account_id, region)
    with _lock:
        found = _in_service.get(arn)
        if found:
            found.under_way += 1
    try:
        yield found
    finally:
        if found:
            with _answered:
                found.under_way -= 1
                _answered.notify_all()


def _deploy(
    backend: SageMakerModelBackend,
    endpoint: FakeEndpoint,
    config_name: str,
    status: str,
    update: Update | None = None,
) -> None:
    deployment = Deployment(backend, endpoint, config_name, update or Update())
    endpoint.failure_reason = None
    endpoint.endpoint_status = status
    endpoint.deployment = deployment
    deployment.start()
