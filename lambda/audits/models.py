"""The model that an audit counts with: a package of this deployment, by default the one that serves."""

import os
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

import storage
from run.validation import InvalidInput

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient


@dataclass(frozen=True)
class AuditModel:
    """A model package, its artifact, and which of the source's bins it was made from.

    Attributes
    ----------
    precision
        The number format that its endpoint computes in, which is the one that it was evaluated in.
    bins
        A list of them. Without one there are none, if that is `known`.
    """

    package: str
    artifact: str
    precision: str
    bins: str | None
    known: bool


def find_model(package: str | None, live: str | None, bucket: str, source: str) -> AuditModel:
    """The package that was asked for, or else the live one. Raises InvalidInput where there is none."""
    arn = package or live
    if arn is None:
        raise InvalidInput(
            "package: null was given; no model serves yet; must be the ARN of a model package, or an execution must "
            "have deployed a model"
        )
    group = os.environ["PACKAGE_GROUP"]
    if f":model-package/{group}/" not in arn:
        raise InvalidInput(f'package: "{arn}" was given; must be of this deployment\'s group, {group}')
    try:
        found = _registry().describe_model_package(ModelPackageName=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationException":
            raise
        raise InvalidInput(f'package: "{arn}" was given; must be of a package that exists') from None
    container = found["InferenceSpecification"]["Containers"][0]
    artifact = container["ModelDataUrl"]
    # As in serving: what registered it by hand may not say.
    precision = container.get("Environment", {}).get("STOCKTAKE_PRECISION", "float32")
    # What registered it by hand may not know its dataset.
    dataset = found.get("CustomerMetadataProperties", {}).get("dataset")
    card = storage.find_json(bucket, f"datasets/{dataset}/card.json") if dataset else None
    if card and card["source"]["uri"] != source.rstrip("/"):
        # Bins of another source may have the same names, and are others.
        return AuditModel(arn, artifact, precision, None, known=True)
    key = f"datasets/{dataset}/splits.json"
    if card is None or storage.find_etag(bucket, key) is None:
        return AuditModel(arn, artifact, precision, None, known=False)
    return AuditModel(arn, artifact, precision, f"s3://{bucket}/{key}", known=True)


@cache
def _registry() -> "SageMakerClient":
    return boto3.client("sagemaker")
