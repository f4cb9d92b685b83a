"""The endpoint's log: one JSON object a line, which CloudWatch Logs Insights finds by field."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

INFERENCE_ID = "x-amzn-sagemaker-inference-id"
"""What SageMaker passes on of a client that names its request; AWS allows 64 characters."""


def request_id(headers: Mapping[str, str]) -> str:
    """The client's own name for the request, or a new one."""
    return headers.get(INFERENCE_ID, "")[:64] or str(uuid.uuid4())


def log(event: str, **fields: Any) -> None:
    """Write one line to standard output."""
    print(json.dumps({"event": event, **fields}), flush=True)
