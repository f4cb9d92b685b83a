"""What the settings of a company's account name, against what AWS would answer."""

import json
from typing import Any

import pytest

from doctor.checks.company import boundary, key, log_bucket, network
from doctor.findings import Finding, Severity, or_unchecked
from doctor.templates import Place
from run import contract
from stacks.settings import DeploymentSettings

PLACE = Place("aws", "eu-west-1", "123456789012")
KEY = "arn:aws:kms:eu-west-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"
SUBNETS, GROUP = ["subnet-0000000a", "subnet-0000000b"], "sg-0000000a"
ALL_ON = DeploymentSettings.model_validate(
    {
        "permissionsBoundary": "team-boundary",
        "vpc": {"subnetIds": SUBNETS, "securityGroupIds": [GROUP]},
        "kmsKey": KEY,
        "accessLogBucket": "logs-of-all",
    }
)
RUN = contract.complete({"dataset": {"source": "s3://own-bins"}, "weights": "s3://own-bins/resnet.pth"})
NAT = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": "active"}
INTERNET_GATEWAY = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1", "State": "active"}


def told(found: list[Finding]) -> list[tuple[Severity, str]]:
    return [(finding.severity, finding.finding) for finding in found]


def test_settings_that_are_off_ask_nothing(client: Any) -> None:
    off = DeploymentSettings()
    assert not [
        *boundary.check(client("iam"), off, PLACE),
        *network.check(client("ec2"), off, RUN, PLACE),
        *key.check(client("kms"), off, PLACE),
        *key.check_policy(client("kms"), off, PLACE),
        *log_bucket.check(client("s3"), off, PLACE),
    ]


@pytest.mark.parametrize("answer", ["NoSuchEntity", {"Policy": {}}])
def test_a_boundary_is_a_policy_of_the_account(client: Any, answer: Any) -> None:
    # Given a name, Then the account's own policy of that name is looked for.
    (found,) = boundary.check(client("iam", ("get_policy", answer)), ALL_ON, PLACE)
    assert found.severity is (Severity.FAILS if answer == "NoSuchEntity" else Severity.FINE)
    assert "arn:aws:iam::123456789012:policy/team-boundary" in found.finding
    assert bool(found.mend) is (found.severity is Severity.FAILS)


def test_a_boundary_of_another_account(client: Any) -> None:
    settings = DeploymentSettings(permissions_boundary="arn:aws:iam::999999999999:policy/team-boundary")
    (found,) = boundary.check(client("iam"), settings, PLACE)
    assert found.severity is Severity.FAILS
    assert "is not of account 123456789012" in found.finding


def test_a_look_that_is_not_allowed_is_no_failure(client: Any) -> None:
    iam = client("iam", ("get_policy", "AccessDenied"))
    (found,) = or_unchecked("Permissions boundary", boundary.check(iam, ALL_ON, PLACE))
    assert found.severity is Severity.UNCHECKED


def ec2(client: Any, *more: tuple[str, dict[str, Any]], zones: str = "ab", group_vpc: str = "vpc-1") -> Any:
    subnets = [
        {"SubnetId": subnet, "VpcId": "vpc-1", "AvailabilityZone": f"eu-west-1{zone}"}
        for subnet, zone in zip(SUBNETS, zones, strict=False)
    ]
    groups = [{"GroupId": GROUP, "VpcId": group_vpc}]
    return client(
        "ec2",
        ("describe_subnets", {"Subnets": subnets}),
        ("describe_security_groups", {"SecurityGroups": groups}),
        *more,
    )


def tables(*first: dict[str, Any], second: list[dict[str, Any]] | None = None) -> tuple[str, dict[str, Any]]:
    """The main route table with the first subnet, which has none of its own, and one of the second subnet."""
    main = {"RouteTableId": "rtb-main", "Associations": [{"Main": True}], "Routes": first}
    own = {"RouteTableId": "rtb-b", "Associations": [{"Main": False, "SubnetId": SUBNETS[1]}], "Routes": second or []}
    return "describe_route_tables", {"RouteTables": [own, main]}


def endpoints(*services: str, s3_tables: tuple[str, ...] = ("rtb-main", "rtb-b"), dns: bool = True) -> tuple[str, Any]:
    of = {"State": "available", "VpcEndpointType": "Interface", "PrivateDnsEnabled": dns}
    found = [of | {"ServiceName": f"com.amazonaws.eu-west-1.{service}"} for service in services]
    s3 = {"State": "available", "VpcEndpointType": "Gateway", "RouteTableIds": list(s3_tables)}
    return "describe_vpc_endpoints", {"VpcEndpoints": [*found, s3 | {"ServiceName": "com.amazonaws.eu-west-1.s3"}]}


def look(made: Any, run: contract.ExecutionInput = RUN) -> list[Finding]:
    return list(network.check(made, ALL_ON, run, PLACE))


def test_a_network_with_a_way_out(client: Any) -> None:
    assert [found.severity for found in look(ec2(client, tables(NAT, second=[NAT])))] == [Severity.FINE] * 2


def test_a_subnet_that_is_not_there(client: Any) -> None:
    found = look(ec2(client, zones="a"))
    assert told(found) == [(Severity.FAILS, f"{SUBNETS[1]}: not there in eu-west-1.")]


def test_a_group_of_another_vpc(client: Any) -> None:
    found = look(ec2(client, group_vpc="vpc-2"))
    assert told(found) == [(Severity.FAILS, "The subnets and security groups are of 2 VPCs: vpc-1, vpc-2.")]


def test_one_zone_is_a_warning_even_for_one_instance(client: Any) -> None:
    first, _ = look(ec2(client, tables(NAT, second=[NAT]), zones="aa"))
    assert (first.severity, first.finding) == (Severity.WARNING, "Every subnet is in eu-west-1a.")


def test_without_a_way_out_the_endpoints_are_asked_for(client: Any) -> None:
    # Given an internet gateway, which is no way out without public addresses, and one endpoint of those needed.
    found = look(ec2(client, tables(NAT, second=[INTERNET_GATEWAY]), endpoints("sagemaker.api")))
    (missing,) = [finding for finding in found if finding.severity is Severity.FAILS]
    assert missing.finding.startswith(f"{SUBNETS[1]}: no route to the internet, and no endpoint for sagemaker.runtime")
    assert "--service-name com.amazonaws.eu-west-1.sagemaker.runtime --vpc-endpoint-type Interface" in missing.mend
    assert missing.mend.endswith(f"--subnet-ids {SUBNETS[1]}")


def test_with_the_endpoints_no_way_out_is_needed(client: Any) -> None:
    found = look(ec2(client, tables(), endpoints("sagemaker.api", "sagemaker.runtime")))
    assert [finding.severity for finding in found] == [Severity.FINE] * 2


@pytest.mark.parametrize("unusable", [{"dns": False}, {"s3_tables": ("rtb-main",)}])
def test_an_endpoint_that_the_subnets_cannot_use(client: Any, unusable: dict[str, Any]) -> None:
    found = look(ec2(client, tables(), endpoints("sagemaker.api", "sagemaker.runtime", **unusable)))
    assert sum(finding.severity is Severity.FAILS for finding in found) == (2 if "dns" in unusable else 1)


def test_what_is_on_the_internet_alone(client: Any) -> None:
    # Given the defaults, Then without a way out neither the public photos of another region nor the weights are had.
    made = ec2(client, tables(), endpoints("sagemaker.api", "sagemaker.runtime"))
    *_, photos, weights = look(made, contract.complete({}))
    assert (photos.severity, weights.severity) == (Severity.FAILS, Severity.WARNING)
    assert "us-east-1" in photos.finding
    assert "weights/imagenet/" in weights.mend


def described(**fields: str) -> tuple[str, dict[str, Any]]:
    fine = {"KeyId": "k", "KeyState": "Enabled", "KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT"}
    return "describe_key", {"KeyMetadata": fine | {"KeyManager": "CUSTOMER"} | fields}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, None),
        ({"KeyState": "Disabled"}, "is Disabled"),
        ({"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"}, "a symmetric one is needed"),
        ({"KeyManager": "AWS"}, "is managed by AWS"),
    ],
)
def test_a_key_that_cannot_encrypt(client: Any, fields: dict[str, str], words: str | None) -> None:
    (found,) = key.check(client("kms", described(**fields)), ALL_ON, PLACE)
    assert found.severity is (Severity.FAILS if words else Severity.FINE)
    assert (words or "is enabled and symmetric") in found.finding


def test_a_key_that_is_not_there(client: Any) -> None:
    (found,) = key.check(client("kms", ("describe_key", "NotFoundException")), ALL_ON, PLACE)
    assert (found.severity, found.finding) == (Severity.FAILS, f"There is no key {KEY}.")


def test_a_key_of_another_region(client: Any) -> None:
    # Given another region, Then KMS need not be asked.
    (found,) = key.check(client("kms"), ALL_ON, Place("aws", "us-east-1", "123456789012"))
    assert found.severity is Severity.FAILS
    assert "a key of eu-west-1, not of us-east-1" in found.finding


def statement(principal: dict[str, str], *actions: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": list(actions), "Resource": "*"}


IAM_DECIDES = statement({"AWS": "arn:aws:iam::123456789012:root"}, "kms:*")
LOGS = statement({"Service": "logs.eu-west-1.amazonaws.com"}, "kms:Decrypt*", "kms:GenerateDataKey*")
ALARMS = statement({"Service": "cloudwatch.amazonaws.com"}, "kms:Decrypt", "kms:GenerateDataKey*")


@pytest.mark.parametrize(
    ("statements", "severity", "words"),
    [
        ([IAM_DECIDES, LOGS, ALARMS], Severity.FINE, "names those who use the key"),
        ([IAM_DECIDES, ALARMS], Severity.FAILS, "logs.eu-west-1.amazonaws.com"),
        ([IAM_DECIDES, LOGS | {"Effect": "Deny"}, ALARMS], Severity.FAILS, "logs.eu-west-1.amazonaws.com"),
        ([IAM_DECIDES, LOGS], Severity.WARNING, "cloudwatch.amazonaws.com"),
        ([LOGS, ALARMS], Severity.WARNING, "123456789012"),
    ],
)
def test_who_may_use_the_key(client: Any, statements: list[Any], severity: Severity, words: str) -> None:
    kms = client("kms", ("get_key_policy", {"Policy": json.dumps({"Statement": statements})}))
    (found,) = key.check_policy(kms, ALL_ON, PLACE)
    assert found.severity is severity
    assert words in found.finding


DELIVERY = {
    "Effect": "Allow",
    "Principal": {"Service": "logging.s3.amazonaws.com"},
    "Action": "s3:PutObject",
    "Resource": "arn:aws:s3:::logs-of-all/*",
}


def s3(client: Any, *grants: dict[str, Any], policy: Any = DELIVERY, algorithm: str = "AES256") -> Any:
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}}
    acl = [] if policy else [("get_bucket_acl", {"Grants": list(grants)})]
    return client(
        "s3",
        ("list_buckets", {"Buckets": [{"Name": "logs-of-all", "BucketRegion": "eu-west-1"}]}),
        ("get_bucket_policy", {"Policy": json.dumps({"Statement": policy})} if policy else "NoSuchBucketPolicy"),
        *acl,
        ("get_bucket_encryption", {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}),
    )


def test_a_log_bucket_that_takes_logs(client: Any) -> None:
    group = {
        "Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/s3/LogDelivery"},
        "Permission": "WRITE",
    }
    for made in (s3(client), s3(client, group, policy=None)):
        (found,) = log_bucket.check(made, ALL_ON, PLACE)
        assert (found.severity, found.finding) == (Severity.FINE, "S3 may write access logs to logs-of-all.")


def test_a_log_bucket_that_takes_none(client: Any) -> None:
    may_not, key_by_default = log_bucket.check(s3(client, policy=None, algorithm="aws:kms"), ALL_ON, PLACE)
    assert may_not.severity is key_by_default.severity is Severity.FAILS
    assert "logging.s3.amazonaws.com" in may_not.finding
    assert "with a KMS key" in key_by_default.finding


@pytest.mark.parametrize(
    ("listed", "words"),
    [
        ({"Name": "logs-of-all-others", "BucketRegion": "eu-west-1"}, "has no bucket logs-of-all."),
        ({"Name": "logs-of-all", "BucketRegion": "us-east-1"}, "is in us-east-1, not in eu-west-1"),
    ],
)
def test_a_log_bucket_that_is_elsewhere(client: Any, listed: dict[str, str], words: str) -> None:
    (found,) = log_bucket.check(client("s3", ("list_buckets", {"Buckets": [listed]})), ALL_ON, PLACE)
    assert found.severity is Severity.FAILS
    assert words in found.finding
