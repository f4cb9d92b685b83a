"""Which permissions a request to S3 needs.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qs, unquote

Permission = tuple[str, str, dict[str, list[str]]]

_BUCKET_SETTINGS = {
    "accelerate": "AccelerateConfiguration",
    "acl": "BucketAcl",
    "cors": "BucketCORS",
    "encryption": "EncryptionConfiguration",
    "lifecycle": "LifecycleConfiguration",
    "location": "BucketLocation",
    "logging": "BucketLogging",
    "notification": "BucketNotification",
    "object-lock": "BucketObjectLockConfiguration",
    "ownershipControls": "BucketOwnershipControls",
    "policy": "BucketPolicy",
    "publicAccessBlock": "BucketPublicAccessBlock",
    "replication": "ReplicationConfiguration",
    "tagging": "BucketTagging",
    "versioning": "BucketVersioning",
    "website": "BucketWebsite",
}
_DELETED_BY_NAME = {"policy", "website"}
_KEY_IN_DELETE = re.compile(r"<Object>.*?<Key>(.*?)</Key>.*?</Object>", re.DOTALL)


def split(path: str, host: str) -> tuple[str, str]:
    """Bucket and key, each empty where there is none, from either style of address."""
    name = host.partition(":")[0]
    if name.endswith(".localhost"):
        return name.removesuffix(".localhost"), unquote(path.removeprefix("/"))
    bucket, _, key = path.removeprefix("/").partition("/")
    return bucket, unquote(key)


def permissions(
    method: str, path: str, query: str, host: str, headers: Mapping[str, str], body: bytes
) -> Iterator[Permission]:
    """Action, resource and condition keys of everything that a request asks for."""
    bucket, key = split(path, host)
    asked = {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}
    arn = f"arn:aws:s3:::{bucket}"
    if not bucket:
        yield "s3:ListAllMyBuckets", "*", {}
    elif key:
        yield from _object_permissions(method, f"{arn}/{key}", asked, headers)
    else:
        yield from _bucket_permissions(method, arn, asked, body)


def _object_permissions(
    method: str, arn: str, asked: Mapping[str, str], headers: Mapping[str, str]
) -> Iterator[Permission]:
    version = "Version" if "versionId" in asked else ""
    subject = "Tagging" if "tagging" in asked else "Acl" if "acl" in asked else ""
    match method:
        case "GET" if "uploadId" in asked:
            yield "s3:ListMultipartUploadParts", arn, {}
        case "GET" | "HEAD":
            yield f"s3:GetObject{version}{subject}", arn, {}
        case "DELETE" if "uploadId" in asked:
            yield "s3:AbortMultipartUpload", arn, {}
        case "DELETE":
            yield f"s3:DeleteObject{version}{subject}", arn, {}
        case _:
            yield f"s3:PutObject{version if subject else ''}{subject}", arn, {}
            if source := headers.get("X-Amz-Copy-Source"):
                yield "s3:GetObject", f"arn:aws:s3:::{unquote(source).lstrip('/').partition('?')[0]}", {}
            if headers.get("X-Amz-Tagging"):
                yield "s3:PutObjectTagging", arn, {}


def _bucket_permissions(method: str, arn: str, asked: Mapping[str, str], body: bytes) -> Iterator[Permission]:
    setting = next((name for name in _BUCKET_SETTINGS if name in asked), None)
    if method == "POST" and "delete" in asked:
        for found in _KEY_IN_DELETE.finditer(body.decode(errors="replace")):
            action = "s3:DeleteObjectVersion" if "<VersionId>" in found[0] else "s3:DeleteObject"
            yield action, f"{arn}/{found[1]}", {}
    elif setting:
        verb = "Get" if method == "GET" else "Delete" if method == "DELETE" and setting in _DELETED_BY_NAME else "Put"
        yield f"s3:{verb}{_BUCKET_SETTINGS[setting]}", arn, {}
    elif method in ("GET", "HEAD"):
        listed = "Versions" if "versions" in asked else "MultipartUploads" if "uploads" in asked else ""
        names = {"prefix": "s3:prefix", "delimiter": "s3:delimiter", "max-keys": "s3:max-keys"}
        context = {key: [asked[name]] for name, key in names.items() if name in asked}
        yield f"s3:ListBucket{listed}", arn, context
    else:
        yield "s3:CreateBucket" if method == "PUT" else "s3:DeleteBucket", arn, {}
