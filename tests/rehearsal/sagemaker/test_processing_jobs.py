"""Processing jobs run the container's entrypoint with /opt/ml/processing in the job's own folder."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.emulator import ROLE
from tests.rehearsal.sagemaker import jobs
from tests.rehearsal.sagemaker.bucket import Bucket

_numbers = itertools.count()


def start_job(sagemaker: Any, script: str, **request: Any) -> str:
    name = f"processing-{next(_numbers)}"
    defaults: dict[str, Any] = {
        "RoleArn": ROLE,
        "AppSpecification": {"ImageUri": "pytorch", "ContainerEntrypoint": jobs.entrypoint(script)},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 1}
        },
    }
    sagemaker.create_processing_job(ProcessingJobName=name, **defaults | request)
    return name


def source(name: str, uri: str) -> dict[str, Any]:
    return {
        "InputName": name,
        "S3Input": {
            "S3Uri": uri,
            "LocalPath": f"/opt/ml/processing/input/{name}",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
        },
    }


def at_end(sagemaker: Any, name: str, awaited: str = "Completed") -> dict[str, Any]:
    return jobs.ended(sagemaker, "ProcessingJob", name, awaited)


def log_lines(sagemaker: Any, name: str) -> list[str]:
    return jobs.log_lines(sagemaker, "ProcessingJob", name)


OUTPUT = {
    "Outputs": [
        {
            "OutputName": "report",
            "S3Output": {
                "S3Uri": "s3://data/reports/run",
                "LocalPath": "/opt/ml/processing/output",
                "S3UploadMode": "EndOfJob",
            },
        }
    ]
}


def test_an_entrypoint_reads_its_inputs_and_its_outputs_are_uploaded(sagemaker: Any, bucket: Bucket) -> None:
    # given the way of the evaluation: a shell that unpacks the code and runs it
    code = bucket.put_archive(
        "code/source.tar.gz",
        {
            "evaluate.py": """
import os, sys
from pathlib import Path
model, test, output = map(Path, sys.argv[1:])
print(model.joinpath("model.tar.gz").read_text(), sorted(os.listdir(test)), flush=True)
output.joinpath("samples").mkdir()
output.joinpath("samples/00001.jpg").write_text("jpeg")
output.joinpath("metrics.json").write_text(os.environ["RUN"] + os.environ["TEST"].rpartition("/")[2])
"""
        },
    )
    model = bucket.put("models/model.tar.gz", "the model")
    bucket.put("set/test/shard-0.tar", "0")
    bucket.put("set/test/shard-1.tar", "1")
    command = (
        "set -e; mkdir code; tar xzf /opt/ml/processing/input/code/*.tar.gz -C code; exec python3 code/evaluate.py "
        '"$0" "$1" /opt/ml/processing/output'
    )

    # when
    name = start_job(
        sagemaker,
        "",
        AppSpecification={
            "ImageUri": "pytorch",
            "ContainerEntrypoint": ["/bin/bash", "-c", command],
            "ContainerArguments": ["/opt/ml/processing/input/model", "/opt/ml/processing/input/test"],
        },
        ProcessingInputs=[source("code", code), source("model", model), source("test", "s3://data/set/test/")],
        ProcessingOutputConfig=OUTPUT,
        Environment={"RUN": "first ", "TEST": "/opt/ml/processing/input/test"},
    )
    job = at_end(sagemaker, name)

    # then
    assert job["CreationTime"] <= job["ProcessingStartTime"] <= job["ProcessingEndTime"]
    assert "FailureReason" not in job
    assert job["ProcessingOutputConfig"] == OUTPUT
    assert bucket.keys("reports/") == ["reports/run/metrics.json", "reports/run/samples/00001.jpg"]
    assert bucket.text("reports/run/metrics.json") == "first test"
    assert log_lines(sagemaker, name) == ["the model ['shard-0.tar', 'shard-1.tar']"]


def test_a_failing_entrypoint_fails_the_job_with_its_message(sagemaker: Any, bucket: Bucket) -> None:
    script = """
import sys
open("/opt/ml/output/message", "w").write("The test split is empty.")
open("/opt/ml/processing/output/half.json", "w").write("{")
sys.exit(1)
"""

    job = at_end(sagemaker, start_job(sagemaker, script, ProcessingOutputConfig=OUTPUT), "Failed")

    assert job["ExitMessage"] == "The test split is empty."
    assert job["FailureReason"] == "AlgorithmError: See job logs for more information"
    assert bucket.keys("reports/") == []


def test_a_killed_entrypoint_fails_the_job(sagemaker: Any) -> None:
    at_end(sagemaker, start_job(sagemaker, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"), "Failed")


def test_a_missing_input_fails_the_job(sagemaker: Any, bucket: Bucket) -> None:
    job = at_end(sagemaker, start_job(sagemaker, "", ProcessingInputs=[source("test", "s3://data/nothing")]), "Failed")

    assert "No S3 objects found" in job["FailureReason"]


def test_an_entrypoint_that_does_not_exist_fails_the_job_and_is_named_in_its_log(sagemaker: Any) -> None:
    name = start_job(
        sagemaker, "", AppSpecification={"ImageUri": "pytorch", "ContainerEntrypoint": ["no-such-program"]}
    )

    at_end(sagemaker, name, "Failed")
    assert any("no-such-program" in line for line in log_lines(sagemaker, name))


def test_a_job_can_be_stopped_by_request_and_by_its_maximum_runtime(sagemaker: Any) -> None:
    script = "import time\ntime.sleep(600)"
    by_request = start_job(sagemaker, script)
    sagemaker.stop_processing_job(ProcessingJobName=by_request)

    by_limit = start_job(sagemaker, script, StoppingCondition={"MaxRuntimeInSeconds": 1})

    at_end(sagemaker, by_request, "Stopped")
    at_end(sagemaker, by_limit, "Stopped")


def test_a_name_can_be_used_once(sagemaker: Any) -> None:
    name = start_job(sagemaker, "")

    with pytest.raises(ClientError) as refusal:
        sagemaker.create_processing_job(
            ProcessingJobName=name,
            RoleArn=ROLE,
            AppSpecification={"ImageUri": "pytorch"},
            ProcessingResources={
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 1}
            },
        )

    assert refusal.value.response["Error"]["Code"] == "ResourceInUse"
    at_end(sagemaker, name)


def test_several_instances_each_know_who_they_are_and_share_what_is_sharded(sagemaker: Any, bucket: Bucket) -> None:
    # given two instances, one input of which each has all and one of which each has its share
    for name in ("a", "b"):
        bucket.put(f"parts/{name}", name.encode())
    sharded = source("mine", "s3://data/parts/")
    sharded["S3Input"]["S3DataDistributionType"] = "ShardedByS3Key"
    script = """import json, os
told = json.load(open("/opt/ml/config/resourceconfig.json"))
os.chdir("/opt/ml/processing")
told["in"] = [sorted(os.listdir(f"input/{n}")) for n in ("all", "mine")]
json.dump(told, open("output/" + told["current_host"], "w"))"""
    cluster = {"InstanceCount": 2, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 1}
    # when
    name = start_job(
        sagemaker,
        script,
        ProcessingInputs=[source("all", "s3://data/parts/"), sharded],
        ProcessingOutputConfig=OUTPUT,
        ProcessingResources={"ClusterConfig": cluster},
    )
    at_end(sagemaker, name)
    # then
    for host, share in (("algo-1", ["a"]), ("algo-2", ["b"])):
        told = json.loads(bucket.text(f"reports/run/{host}"))
        hosts = {"current_host": host, "hosts": ["algo-1", "algo-2"]}
        assert told == hosts | {"in": [["a", "b"], share]}
