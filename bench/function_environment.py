"""The environment that stacks/workflow/functions.py gives the data functions, for those who call them undeployed."""

import json
from collections.abc import Sequence
from typing import Any


def function_environment(
    data_bucket: str, source_buckets: Sequence[str], defaults: dict[str, Any] | None = None
) -> dict[str, str]:
    """Credentials, and every setting that a data function reads; `defaults` is a partial execution input."""
    return {
        "AUDIT_INSTANCE_TYPE": "ml.m7i.xlarge",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "DATA_BUCKET": data_bucket,
        "DEFAULTS": json.dumps(defaults or {}),
        "ENDPOINT_INSTANCES": "1",
        "ENDPOINT_INSTANCE_TYPE": "ml.m7i.large",
        "EVALUATION_INSTANCE_TYPE": "ml.m7i.xlarge",
        "JOB_PREFIX": "stocktake",
        "MANAGED_DEBUGGER": json.dumps(False),
        "SOURCE_BUCKETS": json.dumps(source_buckets),
        "TRAINING_IMAGE_CPU": "pytorch-cpu",
        "TRAINING_IMAGE_GPU": "pytorch-gpu",
    }
