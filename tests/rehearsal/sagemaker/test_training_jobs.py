"""Training jobs run the script under AWS's toolkit, and describe what it did as SageMaker does."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.aws.sagemaker.machine import ROOM
from tests.rehearsal.emulator import Emulator
from tests.rehearsal.sagemaker.bucket import Bucket
from tests.rehearsal.sagemaker.training_jobs import at_end, channel, log_lines, start_job, wait_for_line


def test_a_script_gets_channels_and_hyperparameters_and_leaves_a_model_and_metrics(
    sagemaker: Any, bucket: Bucket
) -> None:
    # given
    bucket.put("set/train/shard-0.tar", "zero")
    bucket.put("set/train/deep/shard-1.tar", "one")
    weights = bucket.put("weights/w.pth", "weights")
    script = """
import os, sys
from pathlib import Path
files = lambda name: sorted(str(f.relative_to(os.environ[name])) for f in Path(os.environ[name]).rglob("*.*"))
print(f"{files('SM_CHANNEL_TRAIN')} {files('SM_CHANNEL_WEIGHTS')} {sys.argv[1:]}")
print("loss=0.5 accuracy=0.25")
print("loss=0.125 accuracy=0.75")
print("loss=nan")
Path(os.environ["SM_MODEL_DIR"], "code").mkdir()
Path(os.environ["SM_MODEL_DIR"], "code/inference.py").write_text("pass")
Path(os.environ["SM_OUTPUT_DATA_DIR"], "history.json").write_text("[]")
"""

    # when
    name = start_job(
        sagemaker,
        bucket,
        script,
        HyperParameters={"lr": "0.001", "architecture": "resnet18"},
        InputDataConfig=[channel("train", "s3://data/set/train"), channel("weights", weights)],
        AlgorithmSpecification={
            "TrainingImage": "pytorch",
            "TrainingInputMode": "File",
            "MetricDefinitions": [
                {"Name": "loss", "Regex": r"loss=(\S+)"},
                {"Name": "accuracy", "Regex": "accuracy=([0-9.]+)"},
                {"Name": "never", "Regex": "never=([0-9.]+)"},
            ],
        },
        Environment={"GREETING": "hello"},
    )
    job = at_end(sagemaker, name)

    # then
    arguments = ["--architecture", "resnet18", "--lr", "0.001"]
    assert f"['deep/shard-1.tar', 'shard-0.tar'] ['w.pth'] {arguments}" in log_lines(sagemaker, name)
    assert job["SecondaryStatus"] == "Completed"
    assert {m["MetricName"]: m["Value"] for m in job["FinalMetricDataList"]} == {"loss": 0.125, "accuracy": 0.75}
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://data/models/{name}/output/model.tar.gz"
    assert bucket.archive(f"models/{name}/output/model.tar.gz") == {"code/inference.py": "pass"}
    assert bucket.archive(f"models/{name}/output/output.tar.gz") == {"history.json": "[]"}
    assert job["TrainingStartTime"] <= job["TrainingEndTime"]
    assert job["BillableTimeInSeconds"] == job["TrainingTimeInSeconds"]
    assert job["Environment"] == {"GREETING": "hello"}
    transitions = [transition["Status"] for transition in job["SecondaryStatusTransitions"]]
    assert transitions == ["Starting", "Downloading", "Training", "Uploading", "Completed"]


def test_lines_reach_the_log_while_the_script_runs(sagemaker: Any, bucket: Bucket) -> None:
    # given a script that goes on until the test has seen its line
    script = """
import os, time, boto3
print("epoch=1", flush=True)
s3 = boto3.client("s3")
while "Contents" not in s3.list_objects_v2(Bucket="data", Prefix="seen"):
    time.sleep(0.1)
"""
    name = start_job(sagemaker, bucket, script)

    # when
    wait_for_line(sagemaker, name, "epoch=1")
    job = sagemaker.describe_training_job(TrainingJobName=name)
    bucket.put("seen", "")

    # then
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("InProgress", "Training")
    at_end(sagemaker, name)


def test_a_script_that_fails_fails_the_job_with_its_sentence(sagemaker: Any, bucket: Bucket) -> None:
    script = """
import os, sys
open(os.path.join(os.environ["SM_OUTPUT_DIR"], "failure"), "w").write("The channel 'train' is empty.")
sys.exit(3)
"""

    job = at_end(sagemaker, start_job(sagemaker, bucket, script), "Failed")

    assert job["SecondaryStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: The channel 'train' is empty., exit code: 1"


def test_a_script_that_dies_fails_the_job_with_the_toolkits_report(sagemaker: Any, bucket: Bucket) -> None:
    job = at_end(sagemaker, start_job(sagemaker, bucket, "import sys\nsys.exit(3)"), "Failed")

    assert job["FailureReason"].startswith("AlgorithmError: ExecuteUserScriptError:\nExitCode 3\n")


def test_a_channel_without_objects_fails_the_job_before_the_script(sagemaker: Any, bucket: Bucket) -> None:
    name = start_job(sagemaker, bucket, "", InputDataConfig=[channel("train", "s3://data/nothing/here")])

    job = at_end(sagemaker, name, "Failed")

    assert 'No S3 objects found under S3 URL "s3://data/nothing/here"' in job["FailureReason"]


CHECKPOINTING = """
import os, signal, sys, time
from pathlib import Path
folder = Path(os.environ["CHECKPOINT_DIR"])
found = sorted(file.name for file in folder.iterdir())
print(f"found {found}", flush=True)
def save(*_):
    time.sleep(0.5)  # longer than the toolkit lives after the signal
    (folder / "last.pt").write_text("saved at the end")
    Path(os.environ["SM_MODEL_DIR"], "model.pt").write_text("model so far")
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
(folder / "epoch-1.pt").write_text("one")
print("ready", flush=True)
while not found:
    time.sleep(0.1)
"""


def test_a_stopped_job_can_save_and_its_successor_resumes(sagemaker: Any, bucket: Bucket) -> None:
    # given a running job with checkpoints
    checkpoints = {"S3Uri": "s3://data/checkpoints/run"}
    first = start_job(sagemaker, bucket, CHECKPOINTING, CheckpointConfig=checkpoints)
    wait_for_line(sagemaker, first, "ready")

    # when it is stopped, and another is started on the same checkpoints
    sagemaker.stop_training_job(TrainingJobName=first)
    stopped = at_end(sagemaker, first, "Stopped")
    second = start_job(sagemaker, bucket, CHECKPOINTING, CheckpointConfig=checkpoints)
    at_end(sagemaker, second)

    # then
    assert stopped["SecondaryStatus"] == "Stopped"
    assert "Stopping" in [transition["Status"] for transition in stopped["SecondaryStatusTransitions"]]
    assert bucket.text("checkpoints/run/last.pt") == "saved at the end"
    assert bucket.archive(f"models/{first}/output/model.tar.gz") == {"model.pt": "model so far"}
    assert "found ['epoch-1.pt', 'last.pt']" in log_lines(sagemaker, second)


def test_checkpoints_reach_s3_while_the_script_runs(sagemaker: Any, bucket: Bucket) -> None:
    name = start_job(sagemaker, bucket, CHECKPOINTING, CheckpointConfig={"S3Uri": "s3://data/checkpoints/live"})

    Emulator.wait_for(lambda: bucket.keys("checkpoints/live"), lambda keys: keys == ["checkpoints/live/epoch-1.pt"])

    assert sagemaker.describe_training_job(TrainingJobName=name)["TrainingJobStatus"] == "InProgress"
    sagemaker.stop_training_job(TrainingJobName=name)
    at_end(sagemaker, name, "Stopped")


def test_a_job_is_stopped_at_its_maximum_runtime(sagemaker: Any, bucket: Bucket) -> None:
    script = "import time\ntime.sleep(600)"

    name = start_job(sagemaker, bucket, script, StoppingCondition={"MaxRuntimeInSeconds": 1})

    assert at_end(sagemaker, name, "Stopped")["SecondaryStatus"] == "MaxRuntimeExceeded"


def test_each_host_gets_its_share_of_a_sharded_channel(sagemaker: Any, bucket: Bucket) -> None:
    # given
    for index in range(3):
        bucket.put(f"set/train/shard-{index}.tar", "x")
    script = """
import os
from pathlib import Path
host = os.environ["SM_CURRENT_HOST"]
shards = sorted(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
valid = len(os.listdir(os.environ["SM_CHANNEL_VALID"]))
print(f"{host} of {os.environ['SM_HOSTS']} {shards} {valid}")
Path(os.environ["SM_MODEL_DIR"], f"{host}.pt").write_text(host)
Path(os.environ["SM_MODEL_DIR"], "model.pt").write_text(host)
"""

    # when
    channels = [
        channel("train", "s3://data/set/train", "ShardedByS3Key"),
        channel("valid", "s3://data/set/train"),
    ]
    resources = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 1}
    name = start_job(sagemaker, bucket, script, InputDataConfig=channels, ResourceConfig=resources)
    at_end(sagemaker, name)

    # then
    lines = log_lines(sagemaker, name)
    assert "algo-1 of [\"algo-1\",\"algo-2\"] ['shard-0.tar', 'shard-2.tar'] 3" in lines
    assert 'algo-2 of ["algo-1","algo-2"] [\'shard-1.tar\'] 3' in lines
    model = bucket.archive(f"models/{name}/output/model.tar.gz")
    assert model == {"algo-1.pt": "algo-1", "algo-2.pt": "algo-2", "model.pt": "algo-1"}


def test_one_failing_host_ends_the_others(sagemaker: Any, bucket: Bucket) -> None:
    script = """
import os, sys, time
if os.environ["SM_CURRENT_HOST"] == "algo-2":
    sys.exit(5)
time.sleep(600)
"""
    resources = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 1}

    job = at_end(sagemaker, start_job(sagemaker, bucket, script, ResourceConfig=resources), "Failed")

    assert "ExitCode 5" in job["FailureReason"]


def test_spot_settings_are_described_back(sagemaker: Any, bucket: Bucket) -> None:
    limits = {"MaxRuntimeInSeconds": 300, "MaxWaitTimeInSeconds": 600}

    name = start_job(sagemaker, bucket, "", EnableManagedSpotTraining=True, StoppingCondition=limits)
    job = at_end(sagemaker, name)

    assert job["EnableManagedSpotTraining"] is True
    assert job["StoppingCondition"] == limits


@pytest.mark.parametrize(
    ("request_", "code", "sentence"),
    [
        (
            {"EnableManagedSpotTraining": True},
            "ValidationException",
            "Invalid MaxWaitTimeInSeconds",
        ),
        (
            {"StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60}},
            "ValidationException",
            "EnableManagedSpotTraining",
        ),
        (
            {"TrainingJobName": "x" * 64},
            "ValidationException",
            "at 'trainingJobName' failed to satisfy constraint: Member must have length less than or equal to 63",
        ),
        (
            {"ResourceConfig": {"InstanceType": "ml.toaster", "InstanceCount": 1, "VolumeSizeInGB": 1}},
            "ValidationException",
            "'ml.toaster' at 'resourceConfig.instanceType' failed to satisfy constraint",
        ),
    ],
)
def test_a_request_that_sagemaker_refuses_is_refused(
    sagemaker: Any, bucket: Bucket, request_: dict[str, Any], code: str, sentence: str
) -> None:
    with pytest.raises(ClientError) as refusal:
        start_job(sagemaker, bucket, "", **request_)

    assert refusal.value.response["Error"]["Code"] == code
    assert sentence in refusal.value.response["Error"]["Message"]


def test_a_name_can_be_used_once(sagemaker: Any, bucket: Bucket) -> None:
    name = start_job(sagemaker, bucket, "")
    at_end(sagemaker, name)

    with pytest.raises(ClientError, match="must be unique") as refusal:
        start_job(sagemaker, bucket, "", TrainingJobName=name)

    assert refusal.value.response["Error"]["Code"] == "ResourceInUse"


def test_a_job_that_has_ended_or_never_was_cannot_be_stopped(sagemaker: Any, bucket: Bucket) -> None:
    name = start_job(sagemaker, bucket, "")
    at_end(sagemaker, name)

    with pytest.raises(ClientError, match="in status Completed"):
        sagemaker.stop_training_job(TrainingJobName=name)
    with pytest.raises(ClientError, match="not found"):
        sagemaker.stop_training_job(TrainingJobName="no-such-job")


def test_a_waiting_job_can_be_stopped(sagemaker: Any, bucket: Bucket) -> None:
    # given more jobs than this machine runs at once
    script = "import time\nprint('runs', flush=True)\ntime.sleep(600)"
    names = [start_job(sagemaker, bucket, script) for _ in range(1 + ROOM)]
    wait_for_line(sagemaker, names[0], "runs")

    # when
    for name in reversed(names):
        sagemaker.stop_training_job(TrainingJobName=name)

    # then
    jobs = [at_end(sagemaker, name, "Stopped") for name in names]
    assert "TrainingStartTime" not in jobs[-1]


def test_no_file_of_an_ended_job_is_left(aws: Emulator, sagemaker: Any, bucket: Bucket) -> None:
    name = start_job(sagemaker, bucket, "")

    at_end(sagemaker, name)

    assert not list(aws.work.rglob(f"*{name}*"))


def test_jobs_are_listed_and_their_tags_too(sagemaker: Any, bucket: Bucket) -> None:
    name = start_job(sagemaker, bucket, "", Tags=[{"Key": "application", "Value": "stocktake"}])
    job = at_end(sagemaker, name)

    listed = sagemaker.list_training_jobs(NameContains=name)["TrainingJobSummaries"]

    assert [(entry["TrainingJobName"], entry["TrainingJobStatus"]) for entry in listed] == [(name, "Completed")]
    tags = sagemaker.list_tags(ResourceArn=job["TrainingJobArn"])["Tags"]
    assert tags == [{"Key": "application", "Value": "stocktake"}]
