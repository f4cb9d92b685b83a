"""AWS's edge for the data functions: an emulated S3 with a source bucket and a data bucket."""

from collections.abc import Iterator

import boto3
import hypothesis
import pytest
from bin_source import DATA_BUCKET, SOURCE_BUCKET, BinSource
from moto import mock_aws

import collect_trials
import smoke_test
import storage
from bench.function_environment import function_environment

# How long an example takes says more about the machine than about the code.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture
def bin_source(monkeypatch: pytest.MonkeyPatch) -> Iterator[BinSource]:
    """An empty source bucket, and the environment that the functions are deployed with."""
    for name, value in function_environment(DATA_BUCKET, [SOURCE_BUCKET, "no-such-bucket"]).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    clients = (storage.client, smoke_test.runtime, collect_trials.sagemaker)
    with mock_aws():
        for client in clients:
            client.cache_clear()
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=DATA_BUCKET)
        s3.create_bucket(Bucket=SOURCE_BUCKET)
        yield BinSource(s3)
    for client in clients:
        client.cache_clear()
