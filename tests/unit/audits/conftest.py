"""AWS's edge for the audit's functions."""

from collections.abc import Iterator

import boto3
import pytest
from audited_account import DATA, SOURCE, Account
from moto import mock_aws

import storage
from audits import models
from bench.function_environment import function_environment


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    for name, value in {**function_environment(DATA, [SOURCE]), "PACKAGE_GROUP": "stocktake-1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        storage.client.cache_clear()
        s3 = boto3.client("s3")
        for bucket in (SOURCE, DATA):
            s3.create_bucket(Bucket=bucket)
        found = Account(s3)
        monkeypatch.setattr(models, "_registry", lambda: found)
        yield found
    storage.client.cache_clear()
