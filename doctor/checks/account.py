"""Whose credentials these are, and whether SageMaker is where they would deploy to."""

import boto3
from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from doctor.findings import Finding, Severity, sentence
from doctor.templates import Place

CDKS_REGION = "us-east-1"
"""What the CDK command line takes where no region is set."""

_CONFIGURE = "aws configure   # or: aws sso login, or: export AWS_PROFILE=name"


def check_region(session: boto3.Session, given: str | None) -> Finding:
    """Whether the session's region is one of SageMaker's.

    Parameters
    ----------
    given
        The region that the user has set.
    """
    region = session.region_name
    export = f"export AWS_REGION={CDKS_REGION}"
    known = {
        name
        for partition in session.get_available_partitions()
        for name in session.get_available_regions("sagemaker", partition)
    }
    if region not in known:
        finding = f"{region} is no region that SageMaker is known in."
        return Finding("Region", Severity.FAILS, finding, "Nothing can be deployed there.", export)
    if given is None:
        meaning = f"CDK takes {region} then, and so does this."
        return Finding("Region", Severity.WARNING, "None is set.", meaning, export)
    return Finding("Region", Severity.FINE, f"{region}.")


def check_credentials(session: boto3.Session) -> tuple[Finding, Place | None]:
    """Whether AWS knows the credentials, and where they would deploy to if it does."""
    try:
        identity = session.client("sts").get_caller_identity()
    except NoCredentialsError:
        meaning = "Every call to AWS has to be signed: neither this nor `cdk deploy` can begin."
        return Finding("Credentials", Severity.FAILS, "There are none.", meaning, _CONFIGURE), None
    except ClientError as error:
        meaning = "They are wrong, have expired, or the region is not enabled for the account."
        return Finding("Credentials", Severity.FAILS, sentence(error), meaning, _CONFIGURE), None
    except (exceptions.ConnectionError, exceptions.HTTPClientError) as error:
        meaning = "AWS cannot be reached from here."
        return Finding("Credentials", Severity.FAILS, sentence(error), meaning, "aws sts get-caller-identity"), None
    except BotoCoreError as error:
        meaning = "The profile is not complete, or somebody who signed in has to do so again."
        return Finding("Credentials", Severity.FAILS, sentence(error), meaning, _CONFIGURE), None
    region = session.region_name
    place = Place(session.get_partition_for_region(region), region, identity["Account"])
    return Finding("Credentials", Severity.FINE, f"{identity['Arn']}."), place
