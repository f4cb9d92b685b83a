"""The contract of an audit's input: every field is optional, and by default all bins are audited with the live model.

Names are camelCase in JSON and snake_case in Python.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from run import instances
from run.dataset_part import FILE, SOURCE
from run.deployment import source_faults
from run.part import Part
from run.validation import InvalidInput, an_object, validated

_LONGEST = 432_000
"""Seconds of a processing job, SageMaker's limit."""


class Bins(Part):
    """Which bins, of which source."""

    source: str = Field(
        default="s3://aft-vbi-pds",
        pattern=SOURCE,
        max_length=256,  # of an argument of a job
        description="an S3 URI of at most 256 characters such as s3://aft-vbi-pds that holds bin-images/ and metadata/",
    )
    fraction: float = Field(default=1, gt=0, le=1, description="a number greater than 0 and at most 1")
    files: str | None = Field(
        default=None,
        pattern=FILE,
        description="null or the S3 URI of a JSON file that lists bins, such as s3://my-bucket/lists/file_list.json",
    )

    @model_validator(mode="after")
    def _takes_one_of_both(self) -> Self:
        if self.fraction < 1 and self.files is not None:
            raise ValueError("an object with fraction or files, not both: a list takes all that it names")
        return self


class AuditInput(Part):
    """The complete input of one audit."""

    dataset: Bins = Bins()
    package: str | None = Field(
        default=None,
        pattern=r"^arn:[a-z-]+:sagemaker:[a-z0-9-]+:\d{12}:model-package/[^/]+/\d+$",
        description="null (the model that serves) or the ARN of a model package",
    )
    instance_type: str | None = Field(
        default=None, description="null (as evaluations) or a SageMaker processing instance type such as ml.m5.xlarge"
    )
    instance_count: Annotated[int, Field(ge=1, le=100, description="an integer from 1 to 100")] = 1
    max_run_seconds: Annotated[int, Field(ge=60, le=_LONGEST, description=f"an integer from 60 to {_LONGEST}")] = 86_400

    def to_json(self) -> dict[str, Any]:
        """Every field with its value, named as in JSON."""
        return self.model_dump(mode="json", by_alias=True)


def complete(given: object, settings: Mapping[str, str]) -> AuditInput:
    """Fill in what `given` leaves out, and refuse what this deployment cannot do.

    Args:
        given: the audit's input as parsed from JSON.
        settings: the function's environment: DEFAULTS, of executions; SOURCE_BUCKETS; AUDIT_INSTANCE_TYPE.

    Raises:
        InvalidInput: one sentence for each fault.
    """
    asked = an_object(given)
    source, bins = json.loads(settings["DEFAULTS"]).get("dataset", {}).get("source"), asked.get("dataset", {})
    if source and isinstance(bins, Mapping):
        asked = asked | {"dataset": {"source": source, **bins}}
    completed = validated(AuditInput, asked)
    instance_type = completed.instance_type or settings["AUDIT_INSTANCE_TYPE"]
    faults = list(source_faults(completed.dataset.source, json.loads(settings["SOURCE_BUCKETS"])))
    if requirement := _requirement(instance_type):
        faults.append(f'instanceType: "{instance_type}" was given; must be {requirement}')
    if faults:
        raise InvalidInput("\n".join(faults))
    return completed.model_copy(update={"instance_type": instance_type})


def _requirement(instance_type: str) -> str | None:
    return instances.evaluation_requirement(instance_type) or (
        "a type of CPUs alone, such as ml.m5.xlarge: bins are counted as the endpoint counts them, on CPUs"
        if instances.has_gpu(instance_type)
        else None
    )
