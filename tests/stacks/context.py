"""The context that tests synthesise with."""

import json
from pathlib import Path
from typing import Any

CDK_JSON = Path(__file__).resolve().parents[2] / "cdk.json"


def feature_flags(cdk_json: Path) -> dict[str, Any]:
    """Of a cdk.json's context what belongs to the application: its settings are those of whoever deploys it."""
    context = json.loads(cdk_json.read_text())["context"]
    return {name: value for name, value in context.items() if name.startswith("@aws-cdk/")}


BOUNDARY = "arn:aws:iam::123456789012:policy/company-boundary"
KEY = "arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"
VPC = {"subnetIds": ["subnet-0123456789abcdef0"], "securityGroupIds": ["sg-0123456789abcdef0"]}
COMPANY = {
    "permissionsBoundary": BOUNDARY,
    "iamPath": "/teams/vision/",
    "vpc": VPC,
    "kmsKey": KEY,
    "accessLogBucket": "company-access-logs",
    "tags": {"team": "vision"},
    "logRetentionDays": 90,
    "capturePercent": 100,
    "retainData": False,
}
"""Every setting for the rules of a company's account."""
