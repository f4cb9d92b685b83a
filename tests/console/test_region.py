"""The region that somebody gives to CDK is the console's, too."""

import os

import pytest

from console.cli import main


@pytest.mark.parametrize("ours", ["", "eu-central-1"])
def test_the_region_has_cdks_name(monkeypatch: pytest.MonkeyPatch, ours: str) -> None:
    # given the name that CDK reads, and the SDK's own name with no region or another
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", ours)
    # when
    main(["drift", "--help"])
    # then
    assert os.environ["AWS_DEFAULT_REGION"] == "eu-west-1"
