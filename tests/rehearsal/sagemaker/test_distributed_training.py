"""Jobs of several instances: started by torchrun as in AWS's image, and sharing the machine."""

from __future__ import annotations

import itertools
import json
import os
from datetime import timedelta
from typing import Any

from tests.rehearsal.sagemaker import jobs
from tests.rehearsal.sagemaker.bucket import Bucket
from tests.rehearsal.sagemaker.training_jobs import at_end, channel, log_lines, start_job, wait_for_line
from tests.rehearsal.sagemaker.tuning_request import tuning_request

LAUNCHER = {"sagemaker_torch_distributed_enabled": "true"}


def instances(count: int) -> dict[str, Any]:
    return {"InstanceType": "ml.m5.xlarge", "InstanceCount": count, "VolumeSizeInGB": 1}


def test_two_hosts_train_one_model_on_their_shares(sagemaker: Any, bucket: Bucket) -> None:
    # given three shards, and a script that averages gradients over its processes
    for index in range(3):
        bucket.put(f"set/train/shard-{index}.tar", "x")
    script = """
import json, os
from pathlib import Path
import torch
import torch.distributed.nn.functional
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

distributed.init_process_group("gloo")
rank = distributed.get_rank()
shards = sorted(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
everyones = [None] * distributed.get_world_size()
distributed.all_gather_object(everyones, shards)

torch.manual_seed(rank)
model = DistributedDataParallel(torch.nn.Linear(1, 1, bias=False))
before = model.module.weight.item()
torch.optim.SGD(model.parameters(), lr=1.0)
loss = model(torch.full((1, 1), float(rank + 1))).sum()
loss.backward()
facts = {
    "host": os.environ["SM_CURRENT_HOST"], "hosts": json.loads(os.environ["SM_HOSTS"]), "rank": rank,
    "shards": everyones, "weight": before, "gradient": model.module.weight.grad.item(),
    "threads": torch.get_num_threads(),
}
print(json.dumps(facts))
if rank == 0:
    Path(os.environ["SM_MODEL_DIR"], "model.pt").write_text("one model")
# Else a thread of gloo may let go of the last tensor while Python ends, which aborts the process. The group
# ends with its last owner: neither the model, nor a function's default argument, hence the import before there is one.
del model, loss
distributed.destroy_process_group()
"""

    # when
    name = start_job(
        sagemaker,
        bucket,
        script,
        HyperParameters=LAUNCHER,
        InputDataConfig=[channel("train", "s3://data/set/train", "ShardedByS3Key")],
        ResourceConfig=instances(2),
    )
    at_end(sagemaker, name)

    # then
    first, second = (json.loads(line) for line in log_lines(sagemaker, name) if line.startswith('{"host"'))
    assert (first["host"], first["rank"], second["host"], second["rank"]) == ("algo-1", 0, "algo-2", 1)
    assert first["hosts"] == second["hosts"] == ["algo-1", "algo-2"]
    assert first["shards"] == second["shards"] == [["shard-0.tar", "shard-2.tar"], ["shard-1.tar"]]
    assert first["weight"] == second["weight"]
    assert first["gradient"] == second["gradient"] == 1.5
    assert first["threads"] == second["threads"] == 1
    assert bucket.archive(f"models/{name}/output/model.tar.gz") == {"model.pt": "one model"}


def test_a_single_host_that_asks_for_the_launcher_gets_it(sagemaker: Any, bucket: Bucket) -> None:
    # given two trials at once, which torchrun would have meet at the same port
    script = """
import os
from torch import distributed
distributed.init_process_group("gloo")
print(f"{distributed.get_world_size()} process of {os.environ['SM_CURRENT_HOST']}")
distributed.destroy_process_group()
print("objective=0.5")
"""
    asked = tuning_request(bucket, script, jobs=2)
    asked["TrainingJobDefinition"]["StaticHyperParameters"] |= LAUNCHER

    lines = lines_of_trials(sagemaker, asked)

    assert lines.count("1 process of algo-1") == 2


def test_a_training_computes_on_all_cores_and_each_of_two_trials_on_half(sagemaker: Any, bucket: Bucket) -> None:
    script = "import os\nprint(f'threads={os.environ[\"OMP_NUM_THREADS\"]}')\nprint('objective=0.5')"

    name = start_job(sagemaker, bucket, script)
    at_end(sagemaker, name)
    lines = lines_of_trials(sagemaker, tuning_request(bucket, script, jobs=2))

    cores = os.cpu_count() or 1
    assert f"threads={cores}" in log_lines(sagemaker, name)
    assert lines.count(f"threads={max(1, cores // 2)}") == 2


def lines_of_trials(sagemaker: Any, request: dict[str, Any]) -> list[str]:
    """What a tuning job's trials have written until its end."""
    sagemaker.create_hyper_parameter_tuning_job(**request)
    name = request["HyperParameterTuningJobName"]
    jobs.ended(sagemaker, "HyperParameterTuningJob", name)
    return jobs.log_lines(sagemaker, "HyperParameterTuningJob", name)


def test_a_host_that_dies_fails_the_job_with_its_own_sentence(sagemaker: Any, bucket: Bucket) -> None:
    # given a script whose second host fails while the first waits for it and then fails, too
    script = """
import os, sys
from torch import distributed

def fail(sentence):
    open(os.path.join(os.environ["SM_OUTPUT_DIR"], "failure"), "w").write(sentence)
    sys.exit(1)

distributed.init_process_group("gloo")
if distributed.get_rank() == 1:
    fail("The shard is corrupt.")
try:
    distributed.barrier()
except RuntimeError:
    fail("The other host has gone.")
"""

    name = start_job(sagemaker, bucket, script, HyperParameters=LAUNCHER, ResourceConfig=instances(2))
    job = at_end(sagemaker, name, "Failed")

    assert job["FailureReason"] == "AlgorithmError: The shard is corrupt., exit code: 1"


def test_stopping_lets_every_process_under_the_launcher_save(sagemaker: Any, bucket: Bucket) -> None:
    # given
    script = """
import os, signal, sys, time
from pathlib import Path
def save(*_):
    time.sleep(0.5)
    Path(os.environ["CHECKPOINT_DIR"], "last.pt").write_text("saved")
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
print("ready")
time.sleep(600)
"""
    name = start_job(
        sagemaker,
        bucket,
        script,
        HyperParameters=LAUNCHER,
        CheckpointConfig={"S3Uri": "s3://data/checkpoints/launched"},
    )
    wait_for_line(sagemaker, name, "ready")

    # when
    sagemaker.stop_training_job(TrainingJobName=name)
    at_end(sagemaker, name, "Stopped")

    # then
    assert bucket.text("checkpoints/launched/last.pt") == "saved"


def test_a_training_has_the_machine_to_itself_whatever_its_instances(sagemaker: Any, bucket: Bucket) -> None:
    # given a running job, when another of one instance, one of two and a last one are asked for
    first = start_job(sagemaker, bucket, "import time\nprint('runs')\ntime.sleep(600)")
    wait_for_line(sagemaker, first, "runs")
    waiting = [
        start_job(sagemaker, bucket, ""),
        start_job(sagemaker, bucket, "", ResourceConfig=instances(2)),
        start_job(sagemaker, bucket, ""),
    ]

    # then all of these wait
    status = {sagemaker.describe_training_job(TrainingJobName=name)["SecondaryStatus"] for name in waiting}
    assert status == {"Starting"}

    # and when the first ends, they run one after the other
    sagemaker.stop_training_job(TrainingJobName=first)
    ended = [at_end(sagemaker, first, "Stopped"), *(at_end(sagemaker, name) for name in waiting)]
    for before, after in itertools.pairwise(ended):
        assert before["TrainingEndTime"] <= after["TrainingStartTime"] + timedelta(seconds=1)
