"""A job's volume: what does not fit on it ends the job as in SageMaker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from rehearsal.aws.sagemaker import objects
from tests.rehearsal.sagemaker.bucket import Bucket
from tests.rehearsal.sagemaker.training_jobs import at_end, start_job


def test_a_channel_that_does_not_fit_is_not_downloaded(tmp_path: Path) -> None:
    # Given two objects of 1 GiB and room for one, Then none is fetched, unless each host takes its share.
    s3 = boto3.client("s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    listed = {"Contents": [{"Key": f"set/{n}.tar", "Size": 2**30} for n in range(2)]}
    with Stubber(s3) as stubber:
        stubber.add_response("list_objects_v2", listed)
        with pytest.raises(objects.DownloadFailed) as failed:
            objects.download(s3, "s3://data/set/", tmp_path / "all", room=1.5 * 2**30)
        assert str(failed.value) == "ClientError: Data download failed:Insufficient disk space"
        stubber.add_response("list_objects_v2", listed)
        stubber.add_client_error("head_object", "404")  # It goes on to fetch its share.
        with pytest.raises(s3.exceptions.ClientError):
            objects.download(s3, "s3://data/set/", tmp_path / "share", share=(0, 2), room=1.5 * 2**30)


def test_a_model_that_does_not_fit_fails_the_job(sagemaker: Any, bucket: Bucket) -> None:
    # Given a volume of 1 GiB, When a script leaves more than that, Then the job fails and there is no artifact.
    script = """
import os
with open(os.environ["SM_MODEL_DIR"] + "/model.pth", "wb") as file:
    file.truncate(1100 << 20)
"""
    name = start_job(sagemaker, bucket, script)
    job = at_end(sagemaker, name, "Failed")
    assert job["FailureReason"] == "ClientError: Artifact upload failed:Insufficient disk space"
    assert not bucket.keys(f"models/{name}/")
