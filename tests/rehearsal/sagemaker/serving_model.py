"""A model for endpoint tests: a Ray Serve application that tells what it was asked."""

from __future__ import annotations

import uuid
from typing import Any

from tests.rehearsal.emulator import ROLE, Emulator
from tests.rehearsal.sagemaker.bucket import Bucket

CONFIG = """
applications:
- name: test
  import_path: application:app
  route_prefix: /
"""

APPLICATION = """
import os
from pathlib import Path

from ray import serve
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

import beside


@serve.deployment
class Echo:
    def __init__(self):
        self.word = (Path(__file__).parent.parent / "word").read_text()

    async def __call__(self, request: Request) -> Response:
        body = await request.body()
        if body == b"not an image":
            return JSONResponse({"error": "Send an image."}, status_code=415)
        if body == b"fault":
            raise RuntimeError("a fault in the application")
        answer = {
            "word": self.word,
            "beside": beside.WORD,
            "model": os.environ.get("STOCKTAKE_MODEL_PACKAGE"),
            "bytes": len(body),
            "type": request.headers["content-type"],
            "accept": request.headers["accept"],
            "path": request.url.path,
        }
        return JSONResponse(answer)


app = Echo.bind()
"""


def model_files(word: str, application: str = APPLICATION) -> dict[str, str]:
    """What a model.tar.gz holds."""
    return {
        "config.yaml": CONFIG,
        "word": word,
        "code/application.py": application,
        "code/beside.py": "WORD = 'imported from the code folder'",
    }


def put_model(bucket: Bucket, word: str, application: str = APPLICATION) -> str:
    """Store a model's archive; its URI."""
    return bucket.put_archive(f"models/{uuid.uuid4().hex}.tar.gz", model_files(word, application))


def configure(sagemaker: Any, container: dict[str, Any], instance_type: str = "ml.c7i.large", count: int = 1) -> str:
    """A model and an endpoint configuration of the same, returned, name."""
    name = f"model-{uuid.uuid4().hex[:8]}"
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    variant = {"VariantName": "AllTraffic", "ModelName": name, "InstanceType": instance_type}
    sagemaker.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[variant | {"InitialInstanceCount": count}]
    )
    return name


def settled(sagemaker: Any, endpoint: str) -> dict[str, Any]:
    """The endpoint's description when its creation or update has ended."""
    answer: dict[str, Any] = Emulator.wait_for(
        lambda: sagemaker.describe_endpoint(EndpointName=endpoint),
        lambda description: description["EndpointStatus"] not in ("Creating", "Updating"),
    )
    return answer


def serve(sagemaker: Any, bucket: Bucket, endpoint: str, word: str = "first") -> str:
    """Create an endpoint and wait until it is in service; its configuration's name."""
    config = configure(sagemaker, {"Image": "ray", "ModelDataUrl": put_model(bucket, word)})
    sagemaker.create_endpoint(EndpointName=endpoint, EndpointConfigName=config)
    assert settled(sagemaker, endpoint)["EndpointStatus"] == "InService"
    return config
