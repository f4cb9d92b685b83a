"""Where AWS cannot be asked at all, the error says what to do."""

import boto3
import pytest
from botocore.exceptions import ClientError

from console.cli import main
from console.remedies import sentence

_SETTINGS = ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID")


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _SETTINGS:
        monkeypatch.delenv(name, raising=False)
    for file in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(file, "/none")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # It keeps the credentials that it found once.


def error_of(capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["list"]) == 1
    return capsys.readouterr().err


def test_without_a_region_it_says_how_to_name_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert error_of(capsys).splitlines() == [
        "Error: You must specify a region.",
        "Name the region of the deployment: export AWS_REGION=us-east-1",
    ]


def test_without_credentials_it_says_how_to_sign_in(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    first, remedy = error_of(capsys).splitlines()
    assert first == "Error: Unable to locate credentials"
    assert remedy.startswith("Sign in (`aws configure` or `aws sso login`")


def test_a_profile_that_is_not_there_is_told_with_the_way_to_sign_in(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    first, remedy = error_of(capsys).splitlines()
    assert first == "Error: The config profile (nobody) could not be found"
    assert remedy.startswith("Sign in")


def test_where_a_rehearsal_has_ended_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # given the address that a rehearsal had: nobody listens at port 1
    for name, value in {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "rehearsal")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    # then
    assert "\nAWS_ENDPOINT_URL is http://127.0.0.1:1: if that rehearsal has ended" in error_of(capsys)


@pytest.mark.parametrize(
    "code", ["ExpiredToken", "RequestExpired", "UnrecognizedClientException", "SignatureDoesNotMatch"]
)
def test_credentials_that_aws_refuses_have_to_be_renewed(code: str) -> None:
    error = ClientError({"Error": {"Code": code, "Message": "no"}}, "ListExecutions")
    assert sentence(error).splitlines()[1].startswith("Sign in")


def test_any_other_error_is_only_told() -> None:
    error = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "ListExecutions")
    assert sentence(error) == str(error)
