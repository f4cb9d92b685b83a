"""Training jobs as these tests start and watch them."""

from __future__ import annotations

import itertools
from typing import Any

from botocore.exceptions import ClientError

from tests.rehearsal.emulator import ROLE, Emulator
from tests.rehearsal.sagemaker.bucket import Bucket

LOG_GROUP = "/aws/sagemaker/TrainingJobs"

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
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }
    parameters = {"sagemaker_program": "train.py", "sagemaker_submit_directory": code}
    parameters |= request.pop("HyperParameters", {})
    sagemaker.create_training_job(TrainingJobName=name, HyperParameters=parameters, **defaults | request)
    return name


def channel(name: str, uri: str, distribution: str = "FullyReplicated") -> dict[str, Any]:
    """An input channel on an S3 prefix."""
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": distribution}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}


def at_end(sagemaker: Any, name: str) -> dict[str, Any]:
    """The job's description once it has ended."""
    answer: dict[str, Any] = Emulator.wait_for(
        lambda: sagemaker.describe_training_job(TrainingJobName=name),
        lambda job: job["TrainingJobStatus"] not in ("InProgress", "Stopping"),
        seconds=90,
    )
    return answer


def log_lines(aws: Emulator, name: str) -> list[str]:
    """What the job's hosts have written, host by host."""
    logs = aws.client("logs")
    streams = logs.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix=f"{name}/")["logStreams"]
    return [
        event["message"]
        for stream in streams
        for event in logs.get_log_events(
            logGroupName=LOG_GROUP, logStreamName=stream["logStreamName"], startFromHead=True
        )["events"]
    ]


def wait_for_line(aws: Emulator, name: str, line: str) -> None:
    """Wait until the job has written a line."""

    def lines() -> list[str]:
        try:
            return log_lines(aws, name)
        except ClientError:
            return []

    Emulator.wait_for(lines, lambda found: line in found, seconds=90)
