"""Whether `cdk bootstrap` has prepared the account and region, and recently enough."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from doctor.application import Bootstrap
from doctor.findings import Finding, Severity
from doctor.templates import Place


def check(ssm: Any, wanted: Bootstrap, place: Place) -> Iterator[Finding]:
    """Compare the version that the bootstrap stack tells with what the templates need."""
    mend = f"make bootstrap ARGS=aws://{place.account}/{place.region}"
    try:
        version = int(ssm.get_parameter(Name=wanted.parameter)["Parameter"]["Value"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "ParameterNotFound":
            raise
        meaning = "`cdk deploy` has no bucket and no roles to work with."
        yield Finding("Bootstrap", Severity.FAILS, f"{place.region} is not bootstrapped.", meaning, mend)
        return
    if version < wanted.version:
        finding = f"Version {version}; the templates need {wanted.version}."
        yield Finding("Bootstrap", Severity.FAILS, finding, "`cdk deploy` refuses older ones.", mend)
    else:
        yield Finding("Bootstrap", Severity.FINE, f"Version {version}.")
