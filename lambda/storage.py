"""JSON and files in the data bucket: whole objects only, so that a step that runs twice leaves what it leaves once."""

import json
from functools import cache
from typing import IO, TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@cache
def client() -> "S3Client":
    """The data bucket's client, one for the life of the function's environment."""
    return boto3.client("s3", config=Config(retries={"mode": "standard", "max_attempts": 8}, max_pool_connections=32))


def read_json(bucket: str, key: str) -> Any:
    """The parsed content of a JSON object."""
    return json.loads(client().get_object(Bucket=bucket, Key=key)["Body"].read())


def find_json(bucket: str, key: str) -> Any | None:
    """The parsed content of a JSON object, or None when there is none."""
    try:
        return read_json(bucket, key)
    except client().exceptions.NoSuchKey:
        return None


def find_etag(bucket: str, key: str) -> str | None:
    """What tells this version of an object from others, or None when there is no object."""
    try:
        return client().head_object(Bucket=bucket, Key=key)["ETag"]
    except ClientError as error:
        # An answer to HEAD has no body that could name the error.
        if error.response["Error"]["Code"] == "404":
            return None
        raise


def write_json(bucket: str, key: str, content: object) -> None:
    """Write an object as compact JSON; equal content gives equal bytes."""
    body = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
    write(bucket, key, body, "application/json")


def write(bucket: str, key: str, body: bytes | IO[bytes], content_type: str) -> None:
    """Write an object in one request, so that readers see all of it or nothing."""
    client().put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type)
