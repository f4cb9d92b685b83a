"""Collect trials: what tuning tried and found, for the report and for the training that follows."""

from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

import storage
from errors import NoFinishedTrial

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

TIME_LIMITS = {
    "MaxRuntimeExceeded": "it was stopped after the seconds of training.maxRunSeconds",
    "MaxWaitTimeExceeded": "it was stopped after the seconds of training.maxWaitSeconds",
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Write trials.json into the run's report folder and choose the best trial.

    Args:
        event: jobName: of the tuning job, which has ended in whatever way; tuning: that part of the execution's input;
            report: {"bucket", "prefix"}.

    Returns:
        The execution output's `tuning`.

    Raises:
        NoFinishedTrial: no trial has an objective; the sentence quotes why the first one failed.
    """
    job, tuning, report = event["jobName"], event["tuning"], event["report"]
    trials = collect(job, tuning["objective"])
    # As SageMaker's own choice: a trial that was stopped early has not done the epochs that its values say.
    finished = [trial for trial in trials if trial["status"] == "Completed" and trial["objective"] is not None]
    if not finished:
        raise NoFinishedTrial(explain(job, tuning["objective"], trials))
    best = max(finished, key=lambda trial: trial["objective"])
    content = {
        "jobName": job,
        "strategy": tuning["strategy"],
        "objective": tuning["objective"],
        "ranges": tuning["ranges"],
        "trials": [{name: value for name, value in trial.items() if name != "failure"} for trial in trials],
        "best": best["name"],
    }
    storage.write_json(report["bucket"], f"{report['prefix']}/tuning/trials.json", content)
    return {
        "jobName": job,
        "bestHyperparameters": best["hyperparameters"],
        "objective": best["objective"],
        "objectiveMetric": tuning["objective"],
        "trials": len(trials),
        "selectedOnTest": tuning["objective"].startswith("test:"),
        "trainingSeconds": sum(trial["trainingSeconds"] for trial in trials),
        "billableSeconds": sum(trial["billableSeconds"] for trial in trials),
    }


def collect(job: str, objective: str) -> list[dict[str, Any]]:
    """Every trial of a tuning job, the first one first."""
    pages = sagemaker().get_paginator("list_training_jobs_for_hyper_parameter_tuning_job")
    listed = pages.paginate(HyperParameterTuningJobName=job, SortBy="CreationTime", SortOrder="Ascending")
    return [
        describe(summary["TrainingJobName"], objective) for page in listed for summary in page["TrainingJobSummaries"]
    ]


def describe(name: str, objective: str) -> dict[str, Any]:
    """One trial; the list of them knows neither billable seconds nor any metric but the objective."""
    job = sagemaker().describe_training_job(TrainingJobName=name)
    metrics = {metric["MetricName"]: metric["Value"] for metric in job.get("FinalMetricDataList", ())}
    return {
        "name": name,
        "status": job["TrainingJobStatus"],
        "hyperparameters": {
            "learningRate": number(job["HyperParameters"]["lr"]),
            "batchSize": int(number(job["HyperParameters"]["batch-size"])),
            "epochs": int(number(job["HyperParameters"]["epochs"])),
        },
        # What a failed trial printed before it failed was not reached by a model that exists.
        "objective": metrics.pop(objective, None) if job["TrainingJobStatus"] != "Failed" else None,
        "metrics": metrics,
        "trainingSeconds": job.get("TrainingTimeInSeconds", 0),
        "billableSeconds": job.get("BillableTimeInSeconds", 0),
        # A trial that reached its time limit is stopped and not failed.
        "failure": job.get("FailureReason") or TIME_LIMITS.get(job.get("SecondaryStatus", "")),
    }


def number(text: str) -> float:
    """A hyperparameter's value; SageMaker sends those of categorical ranges in quotes of their own."""
    return float(text.strip('"'))


def explain(job: str, objective: str, trials: list[dict[str, Any]]) -> str:
    """Why there is nothing to choose from."""
    said = f"none of the {len(trials)} trials of {job} ended with a {objective}"
    failed = next((trial for trial in trials if trial["failure"]), None)
    return f"{said}; {failed['name']}: {failed['failure']}" if failed else said


@cache
def sagemaker() -> "SageMakerClient":
    """SageMaker's client; it waits where hundreds of trials are described faster than the account may ask."""
    return boto3.client("sagemaker", config=Config(retries={"mode": "adaptive", "max_attempts": 12}))
