"""Spot jobs go on elsewhere, from the checkpoints that had reached S3, when their machine is taken away."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from tests.rehearsal.emulator import Emulator
from tests.rehearsal.sagemaker.bucket import Bucket
from tests.rehearsal.sagemaker.training_jobs import at_end, log_lines, start_job, wait_for_line

SPOT: dict[str, Any] = {
    "EnableManagedSpotTraining": True,
    "StoppingCondition": {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 600},
    "CheckpointConfig": {"S3Uri": "s3://data/checkpoints/spot"},
}

# Waits for its end once it has written a checkpoint, and completes when it finds one.
SCRIPT = """
import os, sys, time
from pathlib import Path
checkpoint = Path(os.environ["CHECKPOINT_DIR"], "epoch.txt")
left_over = Path(os.environ["SM_MODEL_DIR"], "left-over")
print(f"group={os.getpgid(0)}")
if checkpoint.exists():
    print(f"resumes after epoch {checkpoint.read_text()}")
    left_over.exists() or Path(os.environ["SM_MODEL_DIR"], "model.pt").write_text("trained")
    sys.exit(0)
left_over.touch()
checkpoint.write_text("1")
print("ready")
time.sleep(600)
"""


def group_of(sagemaker: Any, name: str) -> int:
    wait_for_line(sagemaker, name, "ready")
    return next(int(line.removeprefix("group=")) for line in log_lines(sagemaker, name) if line.startswith("group="))


@pytest.mark.parametrize("instances", [1, 2])
def test_a_killed_spot_job_resumes_and_completes(sagemaker: Any, bucket: Bucket, instances: int) -> None:
    # given a spot job whose checkpoint has been uploaded; of several instances each has a launcher between
    resources = {"InstanceType": "ml.m5.xlarge", "InstanceCount": instances, "VolumeSizeInGB": 1}
    launcher = {"sagemaker_torch_distributed_enabled": "true"} if instances > 1 else {}
    name = start_job(sagemaker, bucket, SCRIPT, HyperParameters=launcher, ResourceConfig=resources, **SPOT)
    group = group_of(sagemaker, name)
    Emulator.wait_for(lambda: bucket.keys("checkpoints/spot"), lambda keys: keys == ["checkpoints/spot/epoch.txt"])

    # when a machine is taken away
    os.killpg(group, signal.SIGKILL)
    job = at_end(sagemaker, name)

    # then it went on in fresh folders
    assert log_lines(sagemaker, name).count("resumes after epoch 1") == instances
    assert bucket.archive(f"models/{name}/output/model.tar.gz") == {"model.pt": "trained"}
    statuses = [transition["Status"] for transition in job["SecondaryStatusTransitions"]]
    once = ["Starting", "Downloading", "Training"]
    assert statuses == [*once, "Interrupted", *once, "Uploading", "Completed"]


def test_a_spot_job_is_stopped_when_its_wait_is_over(sagemaker: Any, bucket: Bucket) -> None:
    # given a job that may run for three seconds within three seconds of its creation, of which it runs fewer
    limits = {"MaxRuntimeInSeconds": 3, "MaxWaitTimeInSeconds": 3}
    name = start_job(sagemaker, bucket, "import time\ntime.sleep(600)", **SPOT | {"StoppingCondition": limits})

    assert at_end(sagemaker, name, "Stopped")["SecondaryStatus"] == "MaxWaitTimeExceeded"


def test_a_script_that_fails_by_itself_fails_the_spot_job(sagemaker: Any, bucket: Bucket) -> None:
    # given a script that is killed under the toolkit, which lives on to report it
    script = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"

    job = at_end(sagemaker, start_job(sagemaker, bucket, script, **SPOT), "Failed")

    assert "Interrupted" not in [transition["Status"] for transition in job["SecondaryStatusTransitions"]]


def test_an_on_demand_job_that_is_killed_fails(sagemaker: Any, bucket: Bucket) -> None:
    name = start_job(sagemaker, bucket, SCRIPT, CheckpointConfig=SPOT["CheckpointConfig"])

    os.killpg(group_of(sagemaker, name), signal.SIGKILL)
    job = at_end(sagemaker, name, "Failed")

    assert job["FailureReason"] == "AlgorithmError: , exit code: 137"
