"""Whether SageMaker's quotas let an execution with the defaults run, and the endpoint be updated."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from doctor.findings import Finding, Severity
from run.contract import ExecutionInput
from stacks.settings import DeploymentSettings


@dataclass(frozen=True)
class Need:
    """Instances under one quota.

    Attributes
    ----------
    least
        With fewer, something fails; `fails` says what.
    wanted
        With fewer, something only takes longer or stays smaller; `waits` says what.
    """

    quota: str
    least: int
    fails: str
    wanted: int
    waits: str


def needs(settings: DeploymentSettings, run: ExecutionInput) -> list[Need]:
    """What an execution with the input `{}` and its endpoint use at a time."""
    training, architectures = run.training, len(run.architectures)
    spot = "spot training job" if training.spot else "training job"
    trials = run.tuning.parallel_jobs if run.tuning.enabled else 1
    fails = "No model can be trained."
    if trials > 1:
        fails = f"Training fails, or tuning's {trials} trials side by side: tuning.parallelJobs can be smaller."
    found = [
        Need(
            f"{run.training_instance_type} for {spot} usage",
            trials * training.instance_count,
            fails,
            max(trials, architectures) * training.instance_count,
            "Architectures are compared one after the other.",
        )
    ]
    evaluation = f"{settings.evaluation_type} for processing job usage"
    if run.trainable == "head":
        features = f"{training.instance_type} for processing job usage"
        waits = "Features are extracted for one architecture after the other."
        found.append(Need(features, 1, "No features can be extracted.", architectures, waits))
    if evaluation not in {need.quota for need in found}:
        found.append(Need(evaluation, 1, "No model can be evaluated.", 1, ""))
    endpoint, most = settings.endpoint_instances, settings.endpoint_max_instances
    found.append(
        Need(
            f"{settings.endpoint_instance_type} for endpoint usage",
            2 * endpoint,
            "A second model cannot replace the first: during an update both fleets run.",
            max(2 * endpoint, most),
            f"The endpoint cannot scale to {most} instances.",
        )
    )
    return found


def check(client: Any, needed: list[Need], region: str) -> Iterator[Finding]:
    """Compare the account's quotas with what is needed.

    Parameters
    ----------
    client
        Of Service Quotas.
    """
    quotas = _listed(client, "list_service_quotas")
    if any(need.quota not in quotas for need in needed):
        # Where nobody asked for another value, some are only in the list of AWS's defaults.
        quotas = _listed(client, "list_aws_default_service_quotas") | quotas
    for need in needed:
        if need.quota not in quotas:
            finding = f"'{need.quota}': SageMaker has no such quota in {region}."
            meaning = "The instance type may not be offered there."
            mend = "Choose another instance type: see Settings in README.md"
            yield Finding("Quota", Severity.WARNING, finding, meaning, mend)
            continue
        code, value = quotas[need.quota]
        mend = (
            f"aws service-quotas request-service-quota-increase --service-code sagemaker --region {region} "
            f"--quota-code {code} --desired-value {need.wanted}"
        )
        finding = f"'{need.quota}' is {value:g}"
        if value < need.least:
            yield Finding("Quota", Severity.FAILS, f"{finding}, {need.least} needed.", need.fails, mend)
        elif value < need.wanted:
            yield Finding("Quota", Severity.WARNING, f"{finding}, {need.wanted} wanted.", need.waits, mend)
        else:
            yield Finding("Quota", Severity.FINE, f"{finding}, {need.wanted} wanted.")


def _listed(client: Any, operation: str) -> dict[str, tuple[str, float]]:
    """Name -> code and value of every quota of SageMaker."""
    pages = client.get_paginator(operation).paginate(ServiceCode="sagemaker")
    return {quota["QuotaName"]: (quota["QuotaCode"], quota["Value"]) for page in pages for quota in page["Quotas"]}
