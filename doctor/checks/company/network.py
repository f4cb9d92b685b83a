"""The subnets and security groups of the setting `vpc`, and what functions and jobs reach from there."""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from doctor.findings import Finding, Severity
from doctor.templates import Place
from run.contract import ExecutionInput
from stacks.company.allowed import Vpc
from stacks.settings import DeploymentSettings

_CHECK = "Network"
_MEND = "aws ec2 describe-{kind} --region {region}   # then mend the setting vpc"
_PUBLIC_PHOTOS, _THEIR_REGION = "aft-vbi-pds", "us-east-1"


@dataclass(frozen=True)
class _Network:
    vpc: str
    subnets: list[Mapping[str, Any]]


def check(ec2: Any, settings: DeploymentSettings, run: ExecutionInput, place: Place) -> Iterator[Finding]:
    """Whether the subnets and groups fit each other, and what the subnets reach."""
    if not settings.vpc:
        return
    network = yield from _found(ec2, settings.vpc, place.region)
    if network is None:
        return
    zones = sorted({subnet["AvailabilityZone"] for subnet in network.subnets})
    if len(zones) == 1:
        finding = f"Every subnet is in {zones[0]}."
        meaning = (
            "SageMaker's guide asks for two zones for an endpoint, even of one instance; AWS may refuse it at the end "
            "of the first execution, and it is down when the zone is."
        )
        yield Finding(_CHECK, Severity.WARNING, finding, meaning, _MEND.format(kind="subnets", region=place.region))
    else:
        yield Finding(_CHECK, Severity.FINE, f"{network.vpc}, in {', '.join(zones)}.")
    yield from _reached(ec2, network, settings, run, place.region)


def _found(ec2: Any, vpc: Vpc, region: str) -> Generator[Finding, None, _Network | None]:
    """The network, unless something is not there or does not fit; then a finding that says so, and None."""
    subnets = _filtered(ec2, "describe_subnets", "subnet-id", vpc.subnet_ids)
    groups = _filtered(ec2, "describe_security_groups", "group-id", vpc.security_group_ids)
    meaning = "`cdk deploy` fails at the first function."
    ids = {"subnets": {item["SubnetId"] for item in subnets}, "security-groups": {item["GroupId"] for item in groups}}
    wanted = {"subnets": vpc.subnet_ids, "security-groups": vpc.security_group_ids}
    absent = {kind: missing for kind in ids if (missing := [id for id in wanted[kind] if id not in ids[kind]])}
    for kind, missing in absent.items():
        finding = f"{', '.join(missing)}: not there in {region}."
        yield Finding(_CHECK, Severity.FAILS, finding, meaning, _MEND.format(kind=kind, region=region))
    if absent:
        return None
    vpcs = sorted({item["VpcId"] for item in (*subnets, *groups)})
    if len(vpcs) > 1:
        finding = f"The subnets and security groups are of {len(vpcs)} VPCs: {', '.join(vpcs)}."
        yield Finding(_CHECK, Severity.FAILS, finding, meaning, _MEND.format(kind="subnets", region=region))
        return None
    return _Network(vpcs[0], subnets)


def _reached(
    ec2: Any, network: _Network, settings: DeploymentSettings, run: ExecutionInput, region: str
) -> Iterator[Finding]:
    tables = _filtered(ec2, "describe_route_tables", "vpc-id", [network.vpc])
    if not any(map(_is_main, tables)):  # Each VPC has one.
        yield Finding(
            "Way out", Severity.UNCHECKED, f"The route tables of {network.vpc} are not shown to this account."
        )
        return
    used = {subnet["SubnetId"]: _route_table(tables, subnet["SubnetId"]) for subnet in network.subnets}
    closed = {subnet: table["RouteTableId"] for subnet, table in used.items() if not _has_way_out(table)}
    if not closed:
        yield Finding("Way out", Severity.FINE, "Every subnet has a route out of the VPC.")
        return
    endpoints = _filtered(ec2, "describe_vpc_endpoints", "vpc-id", [network.vpc])
    missing = {
        service: used_for
        for service, used_for in _needed(settings, run).items()
        if not any(_serves(endpoint, f"{region}.{service}", set(closed.values())) for endpoint in endpoints)
    }
    where = f"{', '.join(closed)}: no route to the internet"
    for service, used_for in missing.items():
        kind = "Gateway --route-table-ids" if service == "s3" else "Interface --private-dns-enabled --subnet-ids"
        places = sorted(set(closed.values())) if service == "s3" else list(closed)
        mend = (
            f"aws ec2 create-vpc-endpoint --region {region} --vpc-id {network.vpc} "
            f"--service-name com.amazonaws.{region}.{service} --vpc-endpoint-type {kind} {' '.join(places)}"
        )
        finding = f"{where}, and no endpoint for {service} that they can use."
        yield Finding("Way out", Severity.FAILS, finding, f"It is needed for: {used_for}.", mend)
    if not missing:
        yield Finding("Way out", Severity.FINE, f"{where}, and none is needed: the endpoints are there.")
    yield from _only_on_the_internet(run, region)


def _needed(settings: DeploymentSettings, run: ExecutionInput) -> dict[str, str]:
    """What executions with the defaults and audits call, and what for. SageMaker has a network of its own for images
    and logs."""
    manual, drift = run.release.approval == "manual", bool(settings.watches_drift)
    needed = {
        "s3": "all data",
        "sagemaker.runtime": "the smoke test of an endpoint",
        "sagemaker.api": "trials, approvals, audits, drift",
    }
    if manual or settings.drift_starts:
        needed["states"] = "approvals, executions that a drift starts"
    if drift:
        needed["monitoring"] = "the metrics of drift"
    return needed


def _only_on_the_internet(run: ExecutionInput, region: str) -> Iterator[Finding]:
    if run.dataset.source_bucket == _PUBLIC_PHOTOS and region != _THEIR_REGION:
        finding = f"The public photos are in {_THEIR_REGION}; an endpoint for s3 reaches {region} alone."
        mend = "Copy them to a bucket of the region, and name it in sourceBuckets and in dataset.source of `defaults`"
        yield Finding("Way out", Severity.FAILS, finding, "No execution with the defaults can read its bins.", mend)
    if run.weights == "imagenet":
        finding = "The pretrained weights are fetched from torchvision's site, unless the data bucket has them."
        mend = "After `make deploy`: put the files below weights/imagenet/ of the data bucket (docs/company-account.md)"
        yield Finding("Way out", Severity.WARNING, finding, "Executions end with WeightsUnavailable until then.", mend)


def _route_table(tables: list[Mapping[str, Any]], subnet: str) -> Mapping[str, Any]:
    """The subnet's own, or the VPC's main one."""
    by_subnet = {link.get("SubnetId"): table for table in tables for link in table["Associations"]}
    return by_subnet.get(subnet) or next(filter(_is_main, tables))


def _is_main(table: Mapping[str, Any]) -> bool:
    return any(link.get("Main") for link in table["Associations"])


def _has_way_out(table: Mapping[str, Any]) -> bool:
    """Not by an internet gateway: functions and jobs have no public addresses."""
    return any(
        route.get("DestinationCidrBlock") == "0.0.0.0/0"
        and route.get("State") == "active"
        and not route.get("GatewayId", "").startswith("igw-")
        for route in table["Routes"]
    )


def _serves(endpoint: Mapping[str, Any], service: str, tables: set[str]) -> bool:
    """Whether the endpoint is the service's, and clients in subnets with these route tables find it."""
    if endpoint["State"].lower() != "available" or not endpoint["ServiceName"].endswith(f".{service}"):
        return False
    if endpoint["VpcEndpointType"] == "Gateway":
        return tables <= set(endpoint["RouteTableIds"])
    return bool(endpoint.get("PrivateDnsEnabled"))


def _filtered(ec2: Any, operation: str, name: str, values: list[str]) -> list[Mapping[str, Any]]:
    """What is there of these: a filter leaves out what is not, where a list of ids would fail."""
    pages = ec2.get_paginator(operation).paginate(Filters=[{"Name": name, "Values": values}])
    key = operation.removeprefix("describe_").title().replace("_", "")  # such as VpcEndpoints
    return [item for page in pages for item in page[key]]
