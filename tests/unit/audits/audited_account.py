"""What the audit's functions find in an account: objects and the registry."""

import json
from typing import Any

from botocore.exceptions import ClientError

SOURCE, DATA = "bins", "stocktake-data"
PACKAGES = "arn:aws:sagemaker:us-east-1:123456789012:model-package/stocktake-1"


class Account:
    """What the functions find: objects, and packages by number with their dataset; one was registered by hand."""

    def __init__(self, s3: Any) -> None:
        self.s3 = s3
        self.packages: dict[str, str | None] = {"1": "d1", "2": None}

    def add(self, name: str, record: bytes = b"{}", photo: bytes = b"photo") -> None:
        self.s3.put_object(Bucket=SOURCE, Key=f"metadata/{name}.json", Body=record)
        self.s3.put_object(Bucket=SOURCE, Key=f"bin-images/{name}.jpg", Body=photo)

    def keep_dataset(self, source: str) -> None:
        """The dataset of the first package, made of a source."""
        for name, content in {"card": {"source": {"uri": source}}, "splits": {}}.items():
            self.s3.put_object(Bucket=DATA, Key=f"datasets/d1/{name}.json", Body=json.dumps(content).encode())

    def describe_model_package(self, ModelPackageName: str) -> dict[str, Any]:
        number = ModelPackageName.rpartition("/")[2]
        if number not in self.packages:
            error = {"Error": {"Code": "ValidationException", "Message": f"{ModelPackageName} does not exist."}}
            raise ClientError(error, "DescribeModelPackage")  # type: ignore[arg-type]
        container: dict[str, Any] = {"ModelDataUrl": f"s3://{DATA}/models/{number}/model.tar.gz"}
        if dataset := self.packages[number]:
            container["Environment"] = {"STOCKTAKE_PRECISION": "bfloat16"}
        return {"InferenceSpecification": {"Containers": [container]}} | (
            {"CustomerMetadataProperties": {"dataset": dataset}} if dataset else {}
        )
