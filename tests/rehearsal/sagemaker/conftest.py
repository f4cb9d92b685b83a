"""One emulated AWS for all SageMaker tests."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.emulator import Emulator, running_emulator
from tests.rehearsal.sagemaker import bucket as bucket_
from tests.rehearsal.sagemaker.bucket import Bucket


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """A running emulated AWS with an empty bucket."""
    with running_emulator(tmp_path_factory.mktemp("sagemaker") / "work") as emulator:
        emulator.client("s3").create_bucket(Bucket=bucket_.NAME)
        yield emulator


@pytest.fixture
def sagemaker(aws: Emulator) -> Any:
    """A SageMaker client."""
    return aws.client("sagemaker")


@pytest.fixture
def bucket(aws: Emulator) -> Bucket:
    """The bucket, emptied."""
    bucket = Bucket(aws.client("s3"))
    bucket.clear()
    return bucket


@pytest.fixture
def endpoint(sagemaker: Any) -> Iterator[str]:
    """The name of an endpoint that is deleted after the test."""
    name = f"endpoint-{uuid.uuid4().hex[:8]}"
    yield name
    with contextlib.suppress(ClientError):  # the test may not have come to create it
        sagemaker.delete_endpoint(EndpointName=name)
