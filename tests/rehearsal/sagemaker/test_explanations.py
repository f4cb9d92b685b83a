"""A test whose job ends otherwise than awaited says why: the job's own reason, and the end of its log."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from tests.rehearsal.emulator import ROLE, Emulator
from tests.rehearsal.sagemaker import jobs
from tests.rehearsal.sagemaker.bucket import Bucket
from tests.rehearsal.sagemaker.jobs import Kind
from tests.rehearsal.sagemaker.training_jobs import start_job
from tests.rehearsal.sagemaker.tuning_request import tuning_request

SCRIPT = "print('reading shard 3')\nraise SystemExit(3)"


def processing_request(script: str) -> dict[str, Any]:
    return {
        "ProcessingJobName": f"explained-{uuid.uuid4().hex[:8]}",
        "RoleArn": ROLE,
        "AppSpecification": {"ImageUri": "pytorch", "ContainerEntrypoint": jobs.entrypoint(script)},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 1}
        },
    }


def started(sagemaker: Any, bucket: Bucket, kind: Kind) -> str:
    """Start a job that fails; its name."""
    if kind == "TrainingJob":
        return start_job(sagemaker, bucket, SCRIPT)
    if kind == "ProcessingJob":
        request = processing_request(SCRIPT)
        sagemaker.create_processing_job(**request)
    else:
        request = tuning_request(bucket, SCRIPT, jobs=1, parallel=1)
        sagemaker.create_hyper_parameter_tuning_job(**request)
    return str(request[f"{kind}Name"])


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("TrainingJob", "FailureReason: AlgorithmError: ExecuteUserScriptError:\nExitCode 3"),
        ("ProcessingJob", "FailureReason: AlgorithmError: See job logs for more information"),
        ("HyperParameterTuningJob", "FailureReason: No training job succeeded"),
    ],
)
def test_a_failed_job_is_explained(sagemaker: Any, bucket: Bucket, kind: Kind, reason: str) -> None:
    name = started(sagemaker, bucket, kind)

    with pytest.raises(AssertionError) as unmet:
        jobs.ended(sagemaker, kind, name)

    said = str(unmet.value)
    assert said.startswith(f"not Completed: {kind} {name} is Failed\n")
    assert reason in said
    assert f"\n{name}" in said  # the log stream
    assert "\n    reading shard 3" in said


def test_a_job_out_of_time_is_explained(sagemaker: Any, bucket: Bucket) -> None:
    # given a job that has no failure reason, as it was stopped
    script = "import time\nprint('reading shard 3')\ntime.sleep(600)"
    name = start_job(sagemaker, bucket, script, StoppingCondition={"MaxRuntimeInSeconds": 1})

    with pytest.raises(AssertionError, match=r"is Stopped\nSecondaryStatus: MaxRuntimeExceeded\n"):
        jobs.ended(sagemaker, "TrainingJob", name)


def test_a_job_that_ends_without_the_awaited_line_is_explained_at_once(sagemaker: Any, bucket: Bucket) -> None:
    name = start_job(sagemaker, bucket, SCRIPT)

    with pytest.raises(AssertionError, match=r"no line 'ready': TrainingJob [^$]*ExitCode 3[^$]*\n    reading shard 3"):
        jobs.wait_for_line(sagemaker, "TrainingJob", name, "ready")


def test_the_jobs_of_an_execution_are_explained(aws: Emulator) -> None:
    # given a state machine of which the first job completes and the second fails
    good, bad = processing_request("print('fine')"), processing_request(SCRIPT)
    resource = "arn:aws:states:::sagemaker:createProcessingJob.sync"
    states = {
        "Good": {"Type": "Task", "Resource": resource, "Arguments": good, "Next": "Bad"},
        "Bad": {"Type": "Task", "Resource": resource, "Arguments": bad, "End": True},
    }
    execution = aws.execute({"StartAt": "Good", "States": states})

    said = jobs.explanation_of_execution(aws.endpoint_url, execution)

    assert json.loads(execution["cause"])["ProcessingJobName"] == bad["ProcessingJobName"]
    assert f"is FAILED: {execution['cause']}" in said
    assert f"ProcessingJob {bad['ProcessingJobName']} is Failed\nFailureReason: AlgorithmError" in said
    assert "\n    reading shard 3" in said
    assert f"ProcessingJob {good['ProcessingJobName']}" not in said
