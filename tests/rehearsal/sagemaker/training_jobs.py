"""Training jobs as these tests start and watch them."""

from __future__ import annotations

import itertools
from typing import Any

from tests.rehearsal.emulator import PATIENCE, ROLE
from tests.rehearsal.sagemaker import jobs
from tests.rehearsal.sagemaker.bucket import Bucket

_numbers = itertools.count()


def start_job(sagemaker: Any, bucket: Bucket, script: str, **request: Any) -> str:
    """Start a job on a script, with what else a request needs; its name."""
    name: str = request.pop("TrainingJobName", f"job-{next(_numbers)}")
    code = bucket.put_archive(f"code/{name}.tar.gz", {"train.py": script})
    defaults: dict[str, Any] = {
        "RoleArn": ROLE,
        "AlgorithmSpecification": {"TrainingImage": "pytorch", "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": "s3://data/models"},
        "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": int(PATIENCE)},
    }
    parameters = {"sagemaker_program": "train.py", "sagemaker_submit_directory": code}
    parameters |= request.pop("HyperParameters", {})
    sagemaker.create_training_job(TrainingJobName=name, HyperParameters=parameters, **defaults | request)
    return name


def channel(name: str, uri: str, distribution: str = "FullyReplicated") -> dict[str, Any]:
    """An input channel on an S3 prefix."""
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": distribution}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}


def at_end(sagemaker: Any, name: str, awaited: str = "Completed") -> dict[str, Any]:
    """The job's description once it has ended, which has to be with the status `awaited`."""
    return jobs.ended(sagemaker, "TrainingJob", name, awaited)


def log_lines(sagemaker: Any, name: str) -> list[str]:
    """What the job's hosts have written, host by host."""
    return jobs.log_lines(sagemaker, "TrainingJob", name)


def wait_for_line(sagemaker: Any, name: str, line: str) -> None:
    """Wait until the job has written a line."""
    jobs.wait_for_line(sagemaker, "TrainingJob", name, line)
