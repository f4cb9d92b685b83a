"""Each check against what AWS would answer in an account that is not ready."""

from collections.abc import Iterable
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, TokenRetrievalError, UnauthorizedSSOTokenError

from doctor.application import Bootstrap
from doctor.checks import account, bootstrap, defaults, definition, images, quotas, scaling_role
from doctor.checks.quotas import Need
from doctor.findings import Finding, Severity, or_unchecked
from doctor.templates import Place
from run import contract
from stacks.settings import DeploymentSettings
from tests.stacks.context import CDK_JSON

PLACE = Place("aws", "eu-west-1", "123456789012")
NEED = Need("ml.m5.large for endpoint usage", 2, "No second model.", 4, "It cannot scale.")


def only(findings: Iterable[Finding]) -> Finding:
    (finding,) = findings
    return finding


def quota(value: float, name: str = NEED.quota) -> dict[str, Any]:
    return {"Quotas": [{"QuotaName": name, "QuotaCode": "L-12345678", "Value": value}]}


class Unanswered:
    """A session whose calls end in an error of the SDK."""

    region_name = "eu-west-1"

    def __init__(self, error: Exception) -> None:
        self._error = error

    def client(self, _service: str) -> Any:
        return self

    def get_caller_identity(self) -> None:
        raise self._error


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (UnauthorizedSSOTokenError(), "aws sso login"),
        (TokenRetrievalError(provider="sso", error_msg="Token has expired and refresh failed"), "aws sso login"),
        (EndpointConnectionError(endpoint_url="https://sts"), "aws sts get-caller-identity"),
    ],
)
def test_who_has_to_sign_in_again_is_told_so(error: Exception, remedy: str) -> None:
    found, place = account.check_credentials(Unanswered(error))  # type: ignore[arg-type]
    assert (found.severity, place) == (Severity.FAILS, None)
    assert remedy in str(found.mend)


def test_an_account_that_is_not_bootstrapped(client: Any) -> None:
    found = only(
        bootstrap.check(client("ssm", ("get_parameter", "ParameterNotFound")), Bootstrap("/version", 6), PLACE)
    )
    assert found.severity is Severity.FAILS
    assert found.mend == "make bootstrap ARGS=aws://123456789012/eu-west-1"


@pytest.mark.parametrize(("version", "severity"), [("5", Severity.FAILS), ("6", Severity.FINE), ("30", Severity.FINE)])
def test_an_old_bootstrap(client: Any, version: str, severity: Severity) -> None:
    ssm = client("ssm", ("get_parameter", {"Parameter": {"Value": version}}))
    found = only(bootstrap.check(ssm, Bootstrap("/version", 6), PLACE))
    assert found.severity is severity
    assert version in found.finding
    assert bool(found.mend) is (severity is Severity.FAILS)


def test_an_image_that_is_not_published(client: Any) -> None:
    # Given a registry without one of two tags, Then it is named.
    failure = {"imageId": {"imageTag": "new"}, "failureCode": "ImageNotFound", "failureReason": "not found"}
    ecr = client("ecr", ("batch_get_image", {"images": [], "failures": [failure]}))
    uris = [f"763104351884.dkr.ecr.eu-west-1.amazonaws.com/pytorch:{tag}" for tag in ("old", "new")]
    found = only(images.check(ecr, uris, True, PLACE))
    assert found.severity is Severity.FAILS
    assert "pytorch:new" in found.finding
    assert "pytorch:old" not in found.finding


def test_a_repository_that_is_not_published(client: Any) -> None:
    ecr = client("ecr", ("batch_get_image", "RepositoryNotFoundException"))
    found = only(images.check(ecr, ["763104351884.dkr.ecr.eu-west-1.amazonaws.com/ray:tag"], True, PLACE))
    assert (found.severity, found.finding) == (Severity.FAILS, "ray:tag: not published in eu-west-1.")


def test_a_region_without_images(client: Any) -> None:
    found = only(images.check(client("ecr"), [], False, PLACE))
    assert (found.severity, found.finding) == (Severity.FAILS, "AWS publishes none in eu-west-1.")


@pytest.mark.parametrize(
    ("value", "severity", "words"),
    [
        (0, Severity.FAILS, "is 0, 2 needed."),
        (1, Severity.FAILS, "is 1, 2 needed."),
        (2, Severity.WARNING, "is 2, 4 wanted."),
        (4, Severity.FINE, "is 4, 4 wanted."),
    ],
)
def test_a_quota_that_is_too_small(client: Any, value: float, severity: Severity, words: str) -> None:
    # Given a quota on the second page, Then it is compared, and the command asks for what is wanted under its code.
    first = quota(50, "ml.m5.large for transform job usage") | {"NextToken": "next"}
    pages = ("list_service_quotas", first), ("list_service_quotas", quota(value))
    found = only(quotas.check(client("service-quotas", *pages), [NEED], "eu-west-1"))
    assert (found.severity, found.finding) == (severity, f"'{NEED.quota}' {words}")
    command = (
        "aws service-quotas request-service-quota-increase --service-code sagemaker --region eu-west-1 "
        "--quota-code L-12345678 --desired-value 4"
    )
    assert found.mend == ("" if severity is Severity.FINE else command)


def test_a_quota_that_nobody_asked_to_change(client: Any) -> None:
    # Given a quota that only AWS's defaults have, Then the default counts.
    answers = ("list_service_quotas", {"Quotas": []}), ("list_aws_default_service_quotas", quota(0))
    found = only(quotas.check(client("service-quotas", *answers), [NEED], "eu-west-1"))
    assert (found.severity, found.finding) == (Severity.FAILS, f"'{NEED.quota}' is 0, 2 needed.")


def test_a_type_without_a_quota(client: Any) -> None:
    answers = ("list_service_quotas", {"Quotas": []}), ("list_aws_default_service_quotas", {"Quotas": []})
    found = only(quotas.check(client("service-quotas", *answers), [NEED], "eu-west-1"))
    assert found.severity is Severity.WARNING
    assert "has no such quota in eu-west-1" in found.finding


def test_the_default_needs_are_those_in_the_readme() -> None:
    # Given the table in README.md, Then it has every quota that is compared, with a number between least and wanted.
    needed = {need.quota: need for need in quotas.needs(DeploymentSettings(), contract.complete({}))}
    rows = [row.split("|") for row in CDK_JSON.with_name("README.md").read_text().splitlines()]
    told = {row[1].strip(" *"): int(row[2]) for row in rows if len(row) > 3 and row[1].endswith("usage* ")}
    assert told.keys() == needed.keys()
    for name, number in told.items():
        assert needed[name].least <= number <= needed[name].wanted, name


def test_needs_follow_settings_and_defaults() -> None:
    # Given no spot, three instances, no tuning and a trainable trunk, Then the needs are theirs.
    given = {
        "architectures": ["resnet18"],
        "trainable": "all",
        "tuning": {"enabled": False},
        "training": {"instanceType": "ml.g5.xlarge", "instanceCount": 3, "spot": False},
    }
    settings = DeploymentSettings(endpoint_instances=2, endpoint_max_instances=2)
    needed = quotas.needs(settings, contract.complete(given))
    assert {need.quota: (need.least, need.wanted) for need in needed} == {
        "ml.g5.xlarge for training job usage": (3, 3),
        "ml.m7i.xlarge for processing job usage": (1, 1),
        "ml.m7i.large for endpoint usage": (4, 4),
    }


def test_a_definition_that_step_functions_refuses(client: Any) -> None:
    diagnostic = {
        "severity": "ERROR",
        "code": "SCHEMA_VALIDATION_FAILED",
        "message": 'The field "X" is not supported by Step Functions',
        "location": "/States/Train/Arguments",
    }
    answer = {"result": "FAIL", "diagnostics": [diagnostic]}
    stepfunctions = client("stepfunctions", ("validate_state_machine_definition", answer))
    found = only(definition.check(stepfunctions, "{}"))
    assert found.severity is Severity.FAILS
    assert found.finding == '/States/Train/Arguments: The field "X" is not supported by Step Functions'


def test_a_definition_with_warnings_is_deployed(client: Any) -> None:
    diagnostics = [{"severity": "WARNING", "code": "C", "message": f"number {n}"} for n in range(5)]
    answer = {"result": "OK", "diagnostics": diagnostics}
    stepfunctions = client("stepfunctions", ("validate_state_machine_definition", answer))
    found = only(definition.check(stepfunctions, "{}"))
    assert found.severity is Severity.WARNING
    assert found.finding.endswith("And 2 more.")


def test_defaults_that_plan_refuses() -> None:
    # Given settings that leave out the bucket of the built-in default, Then it is told before the first execution.
    settings = DeploymentSettings(source_buckets=["elsewhere"])
    found = only(defaults.check_input(settings, contract.complete({}, settings.defaults)))
    assert found.severity is Severity.FAILS
    assert "s3://aft-vbi-pds" in found.finding


@pytest.mark.parametrize(
    ("error", "words"), [("NoSuchEntity", "the first deployment of a model makes it"), (None, "There.")]
)
def test_the_role_of_scaling(client: Any, error: str | None, words: str) -> None:
    role = {"Path": "/", "RoleName": scaling_role.ROLE, "RoleId": "A" * 16, "Arn": "a" * 20, "CreateDate": "2026-01-01"}
    iam = client("iam", ("get_role", error or {"Role": role}))
    found = only(scaling_role.check(iam, DeploymentSettings()))
    assert found.severity is Severity.FINE
    assert words in found.finding


def test_what_credentials_may_not_ask_is_not_checked(client: Any) -> None:
    # Given a denial, Then it is a row with AWS's words, and no failure.
    ssm = client("ssm", ("get_parameter", "AccessDeniedException"))
    found = only(or_unchecked("Bootstrap", bootstrap.check(ssm, Bootstrap("/version", 6), PLACE)))
    assert (found.check, found.severity) == ("Bootstrap", Severity.UNCHECKED)
    assert "what AWS says" in found.finding
