"""Whether an execution that is started with `{}` gets past Plan, and can read what it is to learn from."""

from collections.abc import Iterator

from bins.source import Source
from doctor.findings import Finding, Severity
from errors import SourceAccessDenied, SourceNotFound
from run.contract import ExecutionInput, InvalidInput
from run.deployment import check_deployment
from stacks.settings import DeploymentSettings


def check_input(settings: DeploymentSettings, execution_input: ExecutionInput) -> Iterator[Finding]:
    """What Plan says of the setting `defaults` beside the other settings."""
    try:
        check_deployment(execution_input, settings.source_buckets, settings.managed_debugger)
    except InvalidInput as error:
        meaning = "Plan refuses every execution that does not give another value."
        mend = "Change the setting `defaults` in cdk.json, or give -c defaults='{...}'"
        yield Finding("Defaults", Severity.FAILS, str(error), meaning, mend)
    else:
        yield Finding("Defaults", Severity.FINE, "An execution with the input {} is one that Plan accepts.")


def check_source(settings: DeploymentSettings, execution_input: ExecutionInput) -> Iterator[Finding]:
    """Open every source bucket as Plan does: anonymously, or with these credentials in the place of its role's."""
    default = execution_input.dataset
    others = [f"s3://{bucket}" for bucket in settings.source_buckets if bucket != default.source_bucket]
    for uri in (default.source, *others):
        try:
            source = Source.open(uri)
        except (SourceNotFound, SourceAccessDenied) as error:
            finding = str(error).removeprefix(f"dataset.source: {uri} was given; ")
            meaning = f"No execution can read its bins from {uri}."
            mend = f"aws s3 ls {uri}/metadata/   # then mend its policy, or the setting sourceBuckets"
            yield Finding("Source", Severity.FAILS, f"{finding}.", meaning, mend)
        else:
            how = "anyone" if source.anonymous else "these credentials"
            yield Finding("Source", Severity.FINE, f"{uri} can be read by {how}.")
