"""`python -m doctor` against an emulated AWS, from a bare account to one that is ready."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from doctor import cli
from doctor.application import Application
from stacks.company.allowed import Vpc
from stacks.packages import NotInstalled
from tests.rehearsal.emulator import Emulator, running_emulator


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running_emulator(tmp_path_factory.mktemp("aws") / "work") as emulator:
        yield emulator


@pytest.fixture(autouse=True)
def nothing_of_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    monkeypatch.setenv("COLUMNS", "400")  # no sentence is broken


def sign_in(monkeypatch: pytest.MonkeyPatch, endpoint_url: str, region: str = "us-east-1") -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint_url)
    monkeypatch.setenv("AWS_REGION", region)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "rehearsal")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "rehearsal")


def test_from_a_bare_account_to_one_that_is_ready(
    aws: Emulator, application: Application, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Given an account without anything, Then what is missing is told, and the status is 1.
    sign_in(monkeypatch, aws.endpoint_url)
    monkeypatch.setattr(cli, "synthesise", lambda _: application)
    assert cli.main([]) == 1
    told = capsys.readouterr().out
    assert "make bootstrap ARGS=aws://123456789012/us-east-1" in told
    assert "there is no bucket aft-vbi-pds" in told
    # When it is bootstrapped and the source is there, Then every check passes that the emulator answers.
    aws.client("ssm").put_parameter(Name=application.bootstrap.parameter, Value="30", Type="String")
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="aft-vbi-pds")
    s3.put_object(Bucket="aft-vbi-pds", Key="metadata/00001.json", Body=b"{}")
    assert cli.main([]) == 0
    told = capsys.readouterr().out
    assert "Nothing was found that fails." in told
    assert "'ml.m5.xlarge for spot training job usage' is 100" in told
    assert "s3://aft-vbi-pds can be read by these credentials." in told
    assert "pytorch:2.13-cpu" in told
    # When an object may not be read, Then the source fails.
    s3.put_bucket_policy(Bucket="aft-vbi-pds", Policy=DENIED)
    assert cli.main([]) == 1
    assert "may read aft-vbi-pds" in capsys.readouterr().out


DENIED = (
    '{"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", '
    '"Resource": "arn:aws:s3:::aft-vbi-pds/*"}]}'
)


def test_what_a_companys_settings_name_is_looked_for(
    aws: Emulator, application: Application, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Given settings that name what this account has not, Then each is told.
    sign_in(monkeypatch, aws.endpoint_url)
    named = {
        "permissions_boundary": "team-boundary",
        "vpc": Vpc(subnet_ids=["subnet-0000000a"], security_group_ids=["sg-0000000a"]),
        "kms_key": "arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef",
        "access_log_bucket": "logs-of-all",
    }
    settings = application.settings.model_copy(update=named)
    monkeypatch.setattr(cli, "synthesise", lambda _: replace(application, settings=settings))
    assert cli.main([]) == 1
    told = capsys.readouterr().out
    assert "There is no policy arn:aws:iam::123456789012:policy/team-boundary." in told
    assert "subnet-0000000a: not there in us-east-1." in told
    assert f"There is no key {named['kms_key']}." in told
    assert "Account 123456789012 has no bucket logs-of-all." in told


def test_programs_are_answered_in_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--json"]) == 1
    findings = {finding["check"]: finding for finding in json.loads(capsys.readouterr().out)}
    assert (findings["Credentials"]["severity"], findings["Credentials"]["finding"]) == ("will fail", "There are none.")


def test_without_credentials(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    # Given neither credentials nor a region, Then both are told, and how to give them.
    assert cli.main([]) == 1
    told = capsys.readouterr().out
    assert "CDK takes us-east-1 then" in told
    assert "export AWS_REGION=us-east-1" in told
    assert "There are none." in told
    assert "aws configure" in told


def test_with_credentials_that_aws_does_not_know(
    aws: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sign_in(monkeypatch, aws.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAUNKNOWNUNKNOWN")
    assert cli.main([]) == 1
    assert "The security token included in the request is invalid." in capsys.readouterr().out


def test_in_a_region_that_is_none(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    sign_in(monkeypatch, "http://127.0.0.1:9", "us-nowhere-1")
    assert cli.main([]) == 1
    assert "us-nowhere-1 is no region that SageMaker is known in." in capsys.readouterr().out


def test_without_a_network(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    # Given an address where nothing answers, Then a sentence says so.
    sign_in(monkeypatch, "http://127.0.0.1:9")
    assert cli.main([]) == 1
    assert "Could not connect to the endpoint URL" in capsys.readouterr().out


def test_with_a_profile_that_is_none(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert cli.main([]) == 1
    assert "The config profile (nobody) could not be found." in capsys.readouterr().out


def test_with_a_wrong_setting(
    aws: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sign_in(monkeypatch, aws.endpoint_url)
    assert cli.main(["-c", "name=No Name"]) == 1
    assert 'setting name: "No Name" was given; must be' in capsys.readouterr().out


def test_without_an_installer(
    aws: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def synthesise(_: object) -> Application:
        raise NotInstalled("Neither pip nor uv is there.")

    sign_in(monkeypatch, aws.endpoint_url)
    monkeypatch.setattr(cli, "synthesise", synthesise)
    assert cli.main([]) == 1
    assert "Neither pip nor uv is there." in capsys.readouterr().out
