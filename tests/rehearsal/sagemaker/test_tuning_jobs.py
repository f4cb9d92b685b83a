"""Tuning jobs run real training jobs as trials and end as SageMaker's do."""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.emulator import Emulator
from tests.rehearsal.sagemaker import jobs
from tests.rehearsal.sagemaker.bucket import Bucket
from tests.rehearsal.sagemaker.training_jobs import log_lines
from tests.rehearsal.sagemaker.tuning_request import tuning_request

# The objective is what is tuned.
SCRIPT = """
import sys
arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
print(f"arguments={arguments}")
print("epoch=1 objective=0.0")
print(f"epoch=2 objective={arguments['--rate']}")
"""

ENDLESS = """
import time
print("epoch=1 objective=0.5")
time.sleep(600)
"""


def at_end(sagemaker: Any, name: str, awaited: str = "Completed") -> dict[str, Any]:
    return jobs.ended(sagemaker, "HyperParameterTuningJob", name, awaited)


def tune(sagemaker: Any, *arguments: Any, awaited: str = "Completed", **config: Any) -> dict[str, Any]:
    asked = tuning_request(*arguments, **config)
    sagemaker.create_hyper_parameter_tuning_job(**asked)
    return at_end(sagemaker, asked["HyperParameterTuningJobName"], awaited)


def trials(sagemaker: Any, job: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    pages = sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
        HyperParameterTuningJobName=job["HyperParameterTuningJobName"], **options
    )
    return [trial for page in pages for trial in page["TrainingJobSummaries"]]


def value(trial: dict[str, Any]) -> float:
    return float(trial["FinalHyperParameterTuningJobObjectiveMetric"]["Value"])


def test_trials_are_training_jobs_and_the_best_is_told(sagemaker: Any, bucket: Bucket) -> None:
    # when
    job = tune(sagemaker, bucket, SCRIPT, jobs=4)
    found = trials(sagemaker, job)

    # then each trial measured what it was given
    name = job["HyperParameterTuningJobName"]
    names = [trial["TrainingJobName"] for trial in found]
    assert [re.sub("[0-9a-f]{8}$", "hex", trial) for trial in names] == [f"{name}-00{n}-hex" for n in range(1, 5)]
    assert [value(trial) for trial in found] == pytest.approx([float(t["TunedHyperParameters"]["rate"]) for t in found])
    assert {trial["TrainingJobStatus"] for trial in found} == {"Completed"}
    assert job["BestTrainingJob"] == max(found, key=value)
    assert job["TrainingJobStatusCounters"]["Completed"] == job["ObjectiveStatusCounters"]["Succeeded"] == 4

    # and is an ordinary training job with static and tuned hyperparameters
    trial = sagemaker.describe_training_job(TrainingJobName=names[0])
    tuned = found[0]["TunedHyperParameters"]
    assert tuned["batch-size"] in ('"32"', '"64"')
    assert trial["TuningJobArn"] == job["HyperParameterTuningJobArn"]
    assert trial["HyperParameters"].items() >= {"_tuning_objective_metric": "objective", **tuned}.items()
    printed = {"--architecture": "resnet18", "--batch-size": tuned["batch-size"].strip('"'), "--rate": tuned["rate"]}
    assert f"arguments={printed}" in log_lines(sagemaker, names[0])

    # and two ran at once, never more
    moments = [(t["TrainingStartTime"], 1) for t in found] + [(t["TrainingEndTime"], -1) for t in found]
    assert max(itertools.accumulate(change for _, change in sorted(moments))) == 2

    # and they can be listed in any order and page by page
    by_value = trials(sagemaker, job, SortBy="FinalObjectiveMetricValue", SortOrder="Descending", MaxResults=3)
    assert by_value == sorted(found, key=value, reverse=True)
    assert trials(sagemaker, job, StatusEquals="Failed") == []
    listed = sagemaker.list_hyper_parameter_tuning_jobs(NameContains=name)["HyperParameterTuningJobSummaries"]
    assert [entry["HyperParameterTuningJobStatus"] for entry in listed] == ["Completed"]


def test_hyperband_stops_a_bad_trial_and_keeps_its_last_objective(sagemaker: Any, bucket: Bucket) -> None:
    # given trials one after the other, of which the seed makes the second one bad
    script = """
import os, sys, time
x = float(dict(zip(sys.argv[1::2], sys.argv[2::2]))["--rate"])
for epoch in range(1, 7):
    print(f"epoch={epoch} objective={x + epoch / 1000:.5f}")
    if "-002-" in os.environ["TRAINING_JOB_NAME"]:
        time.sleep(0.5 if epoch < 5 else 60)  # until it is stopped, however late
"""
    resources = {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 6}}

    job = tune(sagemaker, bucket, script, jobs=2, parallel=1, strategy="Hyperband", StrategyConfig=resources)

    good, bad = trials(sagemaker, job)
    assert (good["TrainingJobStatus"], bad["TrainingJobStatus"]) == ("Completed", "Stopped")
    assert bad["ObjectiveStatus"] == "Succeeded"
    epochs = (value(bad) - float(bad["TunedHyperParameters"]["rate"])) * 1000
    assert 2.9 < epochs < 5.1
    assert job["BestTrainingJob"]["TrainingJobName"] == good["TrainingJobName"]


def test_a_reached_target_completes_the_job_and_stops_what_runs(sagemaker: Any, bucket: Bucket) -> None:
    # given a first trial that reaches the target and a second that would not end
    script = """
import os, time
print("objective=0.9")
if "-002-" in os.environ["TRAINING_JOB_NAME"]:
    time.sleep(600)
"""

    job = tune(sagemaker, bucket, script, jobs=9, TuningJobCompletionCriteria={"TargetObjectiveMetricValue": 0.8})

    statuses = [trial["TrainingJobStatus"] for trial in trials(sagemaker, job)]
    assert statuses[:2] == ["Completed", "Stopped"]
    assert len(statuses) < 9


def test_a_job_whose_objective_no_longer_improves_completes(sagemaker: Any, bucket: Bucket) -> None:
    # given trials of which the first is best, and a later one better by less than one percent
    script = """
import os
number = int(os.environ["TRAINING_JOB_NAME"].split("-")[-2])
print(f"objective={[0.5, 0.4, 0.501, 0.3][min(number, 4) - 1]}")
"""
    criteria = {"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}}

    job = tune(sagemaker, bucket, script, jobs=9, parallel=1, TuningJobCompletionCriteria=criteria)

    assert [value(trial) for trial in trials(sagemaker, job)] == pytest.approx([0.5, 0.4, 0.501, 0.3])
    assert job["TuningJobCompletionDetails"]["NumberOfTrainingJobsObjectiveNotImproving"] == 3
    assert value(job["BestTrainingJob"]) == pytest.approx(0.501)


def test_a_job_whose_trials_all_fail_fails(sagemaker: Any, bucket: Bucket) -> None:
    job = tune(sagemaker, bucket, "raise SystemExit(3)", jobs=2, awaited="Failed")

    assert job["FailureReason"].startswith("No training job succeeded after 2 attempts.")
    assert job["TrainingJobStatusCounters"]["NonRetryableError"] == job["ObjectiveStatusCounters"]["Failed"] == 2
    assert "BestTrainingJob" not in job
    assert all("ExitCode 3" in trial["FailureReason"] for trial in trials(sagemaker, job))


def test_a_job_whose_trials_measure_nothing_fails(sagemaker: Any, bucket: Bucket) -> None:
    job = tune(sagemaker, bucket, "print('no metric')", jobs=1, parallel=1, awaited="Failed")

    assert job["FailureReason"].startswith("No objective metrics found after running 1 training jobs.")


def test_stopping_a_job_stops_its_trials(sagemaker: Any, bucket: Bucket) -> None:
    # given
    asked = tuning_request(bucket, ENDLESS, jobs=3)
    name = asked["HyperParameterTuningJobName"]
    sagemaker.create_hyper_parameter_tuning_job(**asked)
    Emulator.wait_for(
        lambda: trials(sagemaker, asked),
        lambda found: [trial["TrainingJobStatus"] for trial in found] == ["InProgress"] * 2,
    )

    # when
    sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    job = at_end(sagemaker, name, "Stopped")

    # then
    assert [trial["TrainingJobStatus"] for trial in trials(sagemaker, job)] == ["Stopped"] * 2
    with pytest.raises(ClientError, match="in status Stopped"):
        sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)


def faults() -> Iterator[Any]:
    """Changes of a good request (a path of members and a value), and what the refusal says."""
    config, definition = "HyperParameterTuningJobConfig", "TrainingJobDefinition"
    limits, ranges = (config, "ResourceLimits"), (config, "ParameterRanges")
    yield ("HyperParameterTuningJobName",), "x" * 33, "length less than or equal to 32"
    yield (*limits, "MaxParallelTrainingJobs"), 9, "MaxParallelTrainingJobs 9 must not be greater than"
    yield (config, "Strategy"), "Grid", "no Grid strategy"
    yield (config, "Strategy"), "Hyperband", "no MaxResource"
    yield (config, "HyperParameterTuningJobObjective", "MetricName"), "loss", "Provide a metric in the metric definit"
    criteria = {"ConvergenceDetected": {"CompleteOnConvergence": "Enabled"}}
    yield (config, "TuningJobCompletionCriteria"), criteria, "cannot complete on convergence"
    static = {"sagemaker_program": "hpo.py", "rate": "1"}
    yield (definition, "StaticHyperParameters"), static, "rate cannot be both static and tuned"
    for low, high, scaling, sentence in (
        ("2", "2", "Linear", "MinValue 2 of rate must be less than its MaxValue 2"),
        ("0", "1", "Logarithmic", "MinValue 0 of rate must be greater than 0"),
        ("0", "1", "ReverseLogarithmic", "no ReverseLogarithmic scaling"),
    ):
        entry = {"Name": "rate", "MinValue": low, "MaxValue": high, "ScalingType": scaling}
        yield (*ranges, "ContinuousParameterRanges"), [entry], sentence
    yield (definition, "EnableManagedSpotTraining"), True, "Invalid MaxWaitTimeInSeconds"
    yield (
        ("WarmStartConfig",),
        {
            "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "before"}],
            "WarmStartType": "TransferLearning",
        },
        "no WarmStartConfig",
    )


@pytest.mark.parametrize(("path", "value", "sentence"), list(faults()))
def test_a_request_that_is_refused(
    sagemaker: Any, bucket: Bucket, path: tuple[str, ...], value: Any, sentence: str
) -> None:
    asked = copy.deepcopy(tuning_request(bucket, SCRIPT, jobs=2))
    inner = asked
    for member in path[:-1]:
        inner = inner[member]
    inner[path[-1]] = value

    with pytest.raises(ClientError) as refusal:
        sagemaker.create_hyper_parameter_tuning_job(**asked)

    assert refusal.value.response["Error"]["Code"] == "ValidationException"
    assert sentence in refusal.value.response["Error"]["Message"]


def test_hyperband_has_its_own_early_stopping(sagemaker: Any, bucket: Bucket) -> None:
    resources = {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 6}}
    asked = tuning_request(bucket, SCRIPT, jobs=2, strategy="Hyperband", StrategyConfig=resources)
    asked["HyperParameterTuningJobConfig"]["TrainingJobEarlyStoppingType"] = "Auto"

    with pytest.raises(ClientError, match="TrainingJobEarlyStoppingType must be Off when Strategy is Hyperband"):
        sagemaker.create_hyper_parameter_tuning_job(**asked)


def test_a_job_that_never_was_is_not_found(sagemaker: Any) -> None:
    for call in (
        sagemaker.describe_hyper_parameter_tuning_job,
        sagemaker.stop_hyper_parameter_tuning_job,
        sagemaker.list_training_jobs_for_hyper_parameter_tuning_job,
    ):
        with pytest.raises(ClientError, match="no-such-job"):
            call(HyperParameterTuningJobName="no-such-job")
