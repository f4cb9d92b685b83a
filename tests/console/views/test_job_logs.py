"""The epochs of a running job, read from CloudWatch Logs."""

from __future__ import annotations

import contextlib
import time

from console.views.job_logs import JobLog
from tests.rehearsal.emulator import Emulator

ARGUMENTS = {"TrainingJobName": "counting", "HyperParameters": {"epochs": "5"}}


def test_the_latest_epoch_is_told_out_of_the_total(aws: Emulator) -> None:
    # given a job whose log does not exist yet
    logs = aws.client("logs")
    with contextlib.suppress(logs.exceptions.ResourceNotFoundException):  # other tests' jobs may have logged
        logs.delete_log_group(logGroupName="/aws/sagemaker/TrainingJobs")
    log = JobLog(logs, "createTrainingJob", ARGUMENTS)
    assert log.latest_epoch() is None
    # when it writes epochs between other lines, beside a job with a similar name
    logs.create_log_group(logGroupName="/aws/sagemaker/TrainingJobs")
    for stream, epoch in (("counting/algo-1-1", 1), ("counting/algo-1-1", 2), ("counting-2/algo-1-1", 4)):
        if epoch != 2:
            logs.create_log_stream(logGroupName="/aws/sagemaker/TrainingJobs", logStreamName=stream)
        logs.put_log_events(
            logGroupName="/aws/sagemaker/TrainingJobs",
            logStreamName=stream,
            logEvents=[
                {"timestamp": int(time.time() * 1000), "message": message}
                for message in (f"epoch={epoch} train:loss=1.5 lr=0.001", "saving", "best epoch=1 train:loss=1")
            ],
        )
    # then its own last epoch is told
    assert log.latest_epoch() == "epoch 2/5  train:loss=1.5 lr=0.001"
    assert log.latest_epoch() == "epoch 2/5  train:loss=1.5 lr=0.001"
