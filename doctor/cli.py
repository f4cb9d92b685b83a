"""The command line: `python -m doctor [-c setting=value ...]`."""

import argparse
import json
import os
from collections.abc import Iterator, Sequence

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from rich.console import Console

from doctor import table
from doctor.application import Application, synthesise
from doctor.checks import account, bootstrap, defaults, definition, images, quotas, scaling_role
from doctor.checks.company import boundary, key, log_bucket, network
from doctor.findings import Finding, Severity, or_unchecked, sentence
from doctor.templates import Place
from stacks.packages import NotInstalled
from stacks.settings import InvalidSetting

_PATIENCE = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "max_attempts": 3})


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0 when nothing was found that will fail, 1 when something was, 2 for bad arguments."""
    parser = argparse.ArgumentParser(prog="python -m doctor", description="What a deployment would fail of.")
    parser.add_argument(
        "-c", "--context", type=_setting, action="append", default=[], metavar="NAME=VALUE", help="as of `cdk deploy`"
    )
    parser.add_argument("--json", action="store_true", help="answer with one JSON document, for programs")
    arguments = parser.parse_args(argv)
    with Console(stderr=arguments.json).status("Looking at the account and the application"):
        findings = list(_findings(dict(arguments.context)))
    if arguments.json:
        print(json.dumps([finding.to_json() for finding in findings], indent=2))
    else:
        table.tell(findings, Console())
    return int(any(finding.severity is Severity.FAILS for finding in findings))


def _findings(context: dict[str, str]) -> Iterator[Finding]:
    """Everything that is found; without an account nothing else can be."""
    try:
        core = botocore.session.Session()
        core.set_default_client_config(_PATIENCE)
        # As CDK does it; the SDK for Python does not know the first.
        given = os.environ.get("AWS_REGION") or core.get_config_variable("region")
        session = boto3.Session(botocore_session=core, region_name=given or account.CDKS_REGION)
    except BotoCoreError as error:  # Such as a profile that does not exist.
        yield Finding("Credentials", Severity.FAILS, sentence(error), "", "aws configure list-profiles")
        return
    region = account.check_region(session, given)
    yield region
    if region.severity is Severity.FAILS:
        return
    credentials, place = account.check_credentials(session)
    yield credentials
    if place is None:
        return
    try:
        application = synthesise(context)
    except InvalidSetting as error:
        yield Finding("Settings", Severity.FAILS, str(error), "`cdk deploy` stops at it.")
        return
    except NotInstalled as error:
        yield Finding("Packages", Severity.FAILS, str(error), "`cdk deploy` stops at it.")
        return
    yield from _of_application(session, place, application)


def _of_application(session: boto3.Session, place: Place, application: Application) -> Iterator[Finding]:
    settings, run = application.settings, application.execution_input
    prepared = bootstrap.check(session.client("ssm"), application.bootstrap, place)
    yield from or_unchecked("Bootstrap", prepared)
    published = images.check(session.client("ecr"), *application.images(place), place)
    yield from or_unchecked("Images", published)
    for text in application.definitions(place):
        valid = definition.check(session.client("stepfunctions"), text)
        yield from or_unchecked("Definition", valid)
    yield from defaults.check_input(settings, run)
    yield from or_unchecked("Source", defaults.check_source(settings, run))
    enough = quotas.check(session.client("service-quotas"), quotas.needs(settings, run), place.region)
    yield from or_unchecked("Quota", enough)
    yield from or_unchecked("Scaling role", scaling_role.check(session.client("iam"), settings))
    yield from or_unchecked("Permissions boundary", boundary.check(session.client("iam"), settings, place))
    yield from or_unchecked("Network", network.check(session.client("ec2"), settings, run, place))
    yield from or_unchecked("Key", key.check(session.client("kms"), settings, place))
    yield from or_unchecked("Key policy", key.check_policy(session.client("kms"), settings, place))
    yield from or_unchecked("Log bucket", log_bucket.check(session.client("s3"), settings, place))


def _setting(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form NAME=VALUE.")
    return name, value
